// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bus.c - the system's message bus, as far as two services that are asked and
 * answer need it (the D-Bus Specification): no library that each event would load,
 * no address from the environment, and an end to waiting.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dns.h"

#define ADDRESS		"/run/dbus/system_bus_socket"
#define DAEMON		"org.freedesktop.DBus"
#define WAIT_MS		3000
#define MESSAGE_MAX	(1 << 20)
#define STRING_MAX	4096

#define NATIVE_ORDER	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B')

enum { METHOD_CALL = 1, METHOD_RETURN = 2, ERROR = 3 };
enum { NO_AUTO_START = 2 };
enum { PATH = 1, INTERFACE = 2, MEMBER = 3, ERROR_NAME = 4, REPLY_SERIAL = 5,
       DESTINATION = 6, SIGNATURE = 8 };

struct fwh_bus {
	int fd;
	uint32_t serial;
	long long end;			/* of waiting, all calls together */
};

/* ---- bodies: writing ------------------------------------------------------------ */

static uint8_t *grow(struct fwh_bus_body *body, size_t n)
{
	size_t cap = body->cap ? body->cap : 256;
	uint8_t *data;

	while (cap < body->n + n)
		cap *= 2;
	if (cap != body->cap && !body->bad) {
		data = realloc(body->data, cap);
		body->bad = !data;
		if (data) {
			body->data = data;
			body->cap = cap;
		}
	}
	if (body->bad)
		return NULL;
	body->n += n;
	return body->data + body->n - n;
}

void fwh_bus_put_bytes(struct fwh_bus_body *body, const void *data, size_t n)
{
	uint8_t *to = grow(body, n);

	if (to && n)
		memcpy(to, data, n);
}

void fwh_bus_align(struct fwh_bus_body *body, size_t to)
{
	static const uint8_t zeros[8];

	fwh_bus_put_bytes(body, zeros, (to - body->n % to) % to);
}

void fwh_bus_put_u8(struct fwh_bus_body *body, uint8_t value)
{
	fwh_bus_put_bytes(body, &value, 1);
}

void fwh_bus_put_u16(struct fwh_bus_body *body, uint16_t value)
{
	fwh_bus_align(body, 2);
	fwh_bus_put_bytes(body, &value, 2);
}

void fwh_bus_put_u32(struct fwh_bus_body *body, uint32_t value)
{
	fwh_bus_align(body, 4);
	fwh_bus_put_bytes(body, &value, 4);
}

void fwh_bus_put_string(struct fwh_bus_body *body, const char *s)
{
	fwh_bus_put_u32(body, (uint32_t)strlen(s));
	fwh_bus_put_bytes(body, s, strlen(s) + 1);
}

static void put_signature(struct fwh_bus_body *body, const char *s)
{
	fwh_bus_put_u8(body, (uint8_t)strlen(s));
	fwh_bus_put_bytes(body, s, strlen(s) + 1);
}

size_t fwh_bus_begin_array(struct fwh_bus_body *body, size_t align)
{
	size_t place;

	fwh_bus_put_u32(body, 0);
	place = body->n;
	fwh_bus_align(body, align);
	return place;
}

/* The padding ahead of the first element does not count. */
void fwh_bus_end_array(struct fwh_bus_body *body, size_t place, size_t align)
{
	size_t first = (place + align - 1) / align * align;
	uint32_t length = (uint32_t)(body->n - first);

	if (!body->bad)
		memcpy(body->data + place - 4, &length, 4);
}

/* ---- bodies: reading ---------------------------------------------------------------- */

const void *fwh_bus_get_bytes(struct fwh_bus_body *body, size_t n)
{
	const uint8_t *data = body->data + body->at;

	if (body->bad || n > body->n - body->at) {
		body->bad = true;
		return NULL;
	}
	body->at += n;
	return data;
}

static void read_number(struct fwh_bus_body *body, void *ret, size_t n)
{
	const void *data;

	fwh_bus_get_bytes(body, (n - body->at % n) % n);
	data = fwh_bus_get_bytes(body, n);
	if (data)
		memcpy(ret, data, n);
}

uint8_t fwh_bus_get_u8(struct fwh_bus_body *body)
{
	uint8_t value = 0;

	read_number(body, &value, 1);
	return value;
}

uint16_t fwh_bus_get_u16(struct fwh_bus_body *body)
{
	uint16_t value = 0;

	read_number(body, &value, 2);
	return value;
}

uint32_t fwh_bus_get_u32(struct fwh_bus_body *body)
{
	uint32_t value = 0;

	read_number(body, &value, 4);
	return value;
}

static const char *get_text(struct fwh_bus_body *body, size_t n)
{
	const char *s = n < STRING_MAX ? fwh_bus_get_bytes(body, n + 1) : NULL;

	if (s && strnlen(s, n + 1) == n)
		return s;
	body->bad = true;
	return "";
}

const char *fwh_bus_get_string(struct fwh_bus_body *body)
{
	return get_text(body, fwh_bus_get_u32(body));
}

size_t fwh_bus_get_array(struct fwh_bus_body *body, size_t align)
{
	uint32_t n = fwh_bus_get_u32(body);

	fwh_bus_get_bytes(body, (align - body->at % align) % align);
	if (body->bad || n > body->n - body->at) {
		body->bad = true;
		return body->at;
	}
	return body->at + n;
}

void fwh_bus_get_variant(struct fwh_bus_body *body, const char *signature)
{
	if (strcmp(get_text(body, fwh_bus_get_u8(body)), signature) != 0)
		body->bad = true;
}

/* ---- the socket ----------------------------------------------------------------------- */

static int wait_for(struct fwh_bus *bus, short events)
{
	struct pollfd poller = { bus->fd, events, 0 };
	long long left = bus->end - fwh_now_ms();
	int n = left > 0 ? poll(&poller, 1, (int)left) : 0;

	return n > 0 || (n < 0 && errno == EINTR) ? 0 : n ? -errno : -ETIMEDOUT;
}

static int send_all(struct fwh_bus *bus, const void *data, size_t n)
{
	const uint8_t *at = data;
	int code = 0;

	while (!code && n) {
		ssize_t sent = send(bus->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		} else {
			code = errno == EAGAIN ? wait_for(bus, POLLOUT) : -errno;
		}
	}
	return code;
}

static int receive_all(struct fwh_bus *bus, void *ret, size_t n)
{
	uint8_t *at = ret;
	int code = 0;

	while (!code && n) {
		ssize_t got = recv(bus->fd, at, n, MSG_DONTWAIT);

		if (got > 0) {
			at += got;
			n -= (size_t)got;
		} else {
			code = !got ? -ECONNRESET : errno == EAGAIN ?
			       wait_for(bus, POLLIN) : -errno;
		}
	}
	return code;
}

/* ---- messages --------------------------------------------------------------------------- */

static void put_field(struct fwh_bus_body *header, uint8_t field,
		      const char *type, const char *value)
{
	fwh_bus_align(header, 8);
	fwh_bus_put_u8(header, field);
	put_signature(header, type);
	if (*type == 'g')
		put_signature(header, value);
	else
		fwh_bus_put_string(header, value);
}

static int send_call(struct fwh_bus *bus, const char *service, const char *path,
		     const char *interface, const char *member,
		     const char *signature, const struct fwh_bus_body *args)
{
	struct fwh_bus_body header = { .data = NULL };
	size_t fields;
	int code;

	fwh_bus_put_u8(&header, NATIVE_ORDER);
	fwh_bus_put_u8(&header, METHOD_CALL);
	fwh_bus_put_u8(&header, NO_AUTO_START);
	fwh_bus_put_u8(&header, 1);	/* the protocol's version */
	fwh_bus_put_u32(&header, args ? (uint32_t)args->n : 0);
	fwh_bus_put_u32(&header, ++bus->serial);
	fields = fwh_bus_begin_array(&header, 8);
	put_field(&header, PATH, "o", path);
	put_field(&header, INTERFACE, "s", interface);
	put_field(&header, MEMBER, "s", member);
	put_field(&header, DESTINATION, "s", service);
	if (args)
		put_field(&header, SIGNATURE, "g", signature);
	fwh_bus_end_array(&header, fields, 8);
	fwh_bus_align(&header, 8);
	code = header.bad || (args && args->bad) ? -ENOMEM :
	       send_all(bus, header.data, header.n);
	if (!code && args)
		code = send_all(bus, args->data, args->n);
	free(header.data);
	return code;
}

struct message {
	uint8_t type;
	uint32_t reply_serial;
	char error[128];		/* its name */
	struct fwh_bus_body body;	/* to be freed */
};

static void read_fields(struct fwh_bus_body *header, struct message *ret)
{
	size_t end = fwh_bus_get_array(header, 8);
	const char *type;

	while (!header->bad && header->at < end) {
		uint8_t field;

		fwh_bus_get_bytes(header, (8 - header->at % 8) % 8);
		field = fwh_bus_get_u8(header);
		type = get_text(header, fwh_bus_get_u8(header));
		if (!strcmp(type, "u")) {
			uint32_t value = fwh_bus_get_u32(header);

			if (field == REPLY_SERIAL)
				ret->reply_serial = value;
		} else if (!strcmp(type, "g")) {
			get_text(header, fwh_bus_get_u8(header));
		} else {
			const char *value = fwh_bus_get_string(header);

			if (field == ERROR_NAME)
				snprintf(ret->error, sizeof(ret->error), "%s",
					 value);
		}
	}
}

/* The bus passes on what others send as they wrote it; whoever has another byte order
 * than this machine is none of those who are asked here. */
static int receive_message(struct fwh_bus *bus, struct message *ret)
{
	struct fwh_bus_body header = { .data = NULL };
	uint32_t size[3];		/* body, serial, fields */
	uint8_t fixed[16];
	int code = receive_all(bus, fixed, sizeof(fixed));

	memset(ret, 0, sizeof(*ret));
	if (code)
		return code;
	memcpy(size, fixed + 4, sizeof(size));
	if (fixed[0] != NATIVE_ORDER || size[0] > MESSAGE_MAX ||
	    size[2] > MESSAGE_MAX)
		return -EPROTO;
	ret->type = fixed[1];
	fwh_bus_put_bytes(&header, fixed, sizeof(fixed));
	grow(&header, ((size_t)size[2] + 7) / 8 * 8);
	grow(&ret->body, size[0]);
	if (header.bad || ret->body.bad)
		code = -ENOMEM;
	if (!code)
		code = receive_all(bus, header.data + sizeof(fixed),
				   header.n - sizeof(fixed));
	if (!code)
		code = receive_all(bus, ret->body.data, ret->body.n);
	header.at = 12;
	if (!code)
		read_fields(&header, ret);
	if (!code && header.bad)
		code = -EPROTO;
	free(header.data);
	return code;
}

/* The answer to the last call; signals come between. */
static int receive_answer(struct fwh_bus *bus, struct message *ret)
{
	int code;

	for (;;) {
		code = receive_message(bus, ret);
		if (!code && (ret->type == METHOD_RETURN ||
			      ret->type == ERROR) &&
		    ret->reply_serial == bus->serial)
			return 0;
		free(ret->body.data);
		ret->body.data = NULL;
		if (code)
			return code;
	}
}

static int fail_answer(const char *service, const struct message *answer,
		       struct fwh_err *err)
{
	struct fwh_bus_body body = answer->body;
	int code = !strcmp(answer->error, "org.freedesktop.resolve1.LinkBusy") ?
		   -EBUSY : -EIO;

	return fwh_fail(err, code, "%s: %.200s", service,
			body.n ? fwh_bus_get_string(&body) : answer->error);
}

int fwh_bus_call(struct fwh_bus *bus, const char *service, const char *path,
		 const char *interface, const char *member,
		 const char *signature, const struct fwh_bus_body *args,
		 struct fwh_bus_body *ret, struct fwh_err *err)
{
	struct message answer = { .type = 0 };
	int code = send_call(bus, service, path, interface, member, signature,
			     args);

	if (!code)
		code = receive_answer(bus, &answer);
	if (code)
		return fwh_fail(err, code, "%s: %s", service, strerror(-code));
	if (answer.type == ERROR) {
		code = fail_answer(service, &answer, err);
		free(answer.body.data);
		return code;
	}
	*ret = answer.body;
	return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Who we are, the kernel tells the bus: the number in digits of hexadecimal ASCII. */
static int authenticate(struct fwh_bus *bus)
{
	char uid[16], line[128], *at = line;
	size_t n = 0, i;
	int code;

	snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());
	*at++ = '\0';
	at += sprintf(at, "AUTH EXTERNAL ");	/* there is room */
	for (i = 0; uid[i]; i++)
		at += sprintf(at, "%02x", (unsigned int)uid[i]);
	memcpy(at, "\r\n", 2);
	code = send_all(bus, line, (size_t)(at + 2 - line));
	do {
		if (!code && n == sizeof(line))
			code = -EPROTO;
		if (!code)
			code = receive_all(bus, line + n, 1);
	} while (!code && line[n++] != '\n');
	if (!code && (n < 3 || memcmp(line, "OK ", 3) != 0))
		code = -EACCES;
	return code ? code : send_all(bus, "BEGIN\r\n", 7);
}

static int say_hello(struct fwh_bus *bus, struct fwh_err *err)
{
	struct fwh_bus_body name;
	int code = fwh_bus_call(bus, DAEMON, "/org/freedesktop/DBus", DAEMON,
				"Hello", NULL, NULL, &name, err);

	if (!code)
		free(name.data);
	return code;
}

int fwh_bus_open(struct fwh_bus **ret, struct fwh_err *err)
{
	static const struct sockaddr_un address = {
		.sun_family = AF_UNIX, .sun_path = ADDRESS,
	};
	struct fwh_bus *bus = calloc(1, sizeof(*bus));
	int code = 0;

	if (!bus)
		return fwh_fail(err, -ENOMEM, "out of memory");
	bus->end = fwh_now_ms() + WAIT_MS;
	bus->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bus->fd < 0 || connect(bus->fd, (const struct sockaddr *)&address,
				   sizeof(address)))
		code = -errno;
	if (!code)
		code = authenticate(bus);
	if (code)
		fwh_fail(err, code, ADDRESS ": %s", strerror(-code));
	else
		code = say_hello(bus, err);
	if (code) {
		fwh_bus_close(bus);
		return code;
	}
	*ret = bus;
	return 0;
}

void fwh_bus_close(struct fwh_bus *bus)
{
	if (!bus)
		return;
	fwh_close_fd(&bus->fd);
	free(bus);
}
