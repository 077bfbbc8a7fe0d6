/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master key's file, wrapping, and the keys derived for the spool. Must never exist outside the
 * keeper and the short-lived init child, and never leave them.
 */
#include "secret/master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "secret/spoolseal.h"

enum {
	KEY = 32,
	HEX = 64,
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES
};
enum { SUBKEY_WRAP = 1, SUBKEY_BOX = 2, SUBKEY_MAC = 3 };
static const char kdf_context[crypto_kdf_CONTEXTBYTES] = {'f', 'w', 'm', 'a', 's', 't', 'e', 'r'};

struct master {
	unsigned char wrap[KEY];
	unsigned char box_public[crypto_box_PUBLICKEYBYTES];
	unsigned char box_secret[crypto_box_SECRETKEYBYTES];
	unsigned char mac[MASTER_MAC_KEY_BYTES];
};

/* A file whose name is not on the disk yet is lost with the power. */
static bool sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_strndup(slice_make(path, (size_t)(slash - path) + 1)) : mem_strdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	mem_free_str(&folder);
	return synced;
}

enum err master_create(const char *path, struct errinfo *ei)
{
	unsigned char key[KEY];
	char line[HEX + 2];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0)
		return err_set(ei, errno == EEXIST ? ERR_CONFLICT : ERR_CONFIG,
			       "cannot make the master key file %s: %s", path, strerror(errno));
	random_bytes(key, sizeof key);
	sodium_bin2hex(line, sizeof line, key, sizeof key);
	line[HEX] = '\n';
	written = write(fd, line, HEX + 1) == HEX + 1 && fsync(fd) == 0 && sync_folder_of(path);
	sodium_memzero(key, sizeof key);
	sodium_memzero(line, sizeof line);
	close(fd);
	if (!written) {
		unlink(path);
		return err_set(ei, ERR_CONFIG, "cannot write the master key file %s", path);
	}
	return ERR_OK;
}

static enum err check_file(int fd, const char *path, struct errinfo *ei)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(ei, ERR_CONFIG, "the master key file %s is not a regular file", path);
	if (st.st_uid != geteuid()) {
		err_hint(ei, ERR_CONFIG, "Run as the file's owner, or chown it to the user that runs fiberd.");
		return err_set(ei, ERR_CONFIG, "the master key file %s belongs to user %u, not to user %u", path,
			       st.st_uid, geteuid());
	}
	if (st.st_mode & 077) {
		err_hint(ei, ERR_CONFIG, "Type: chmod 600 %s", path);
		return err_set(ei, ERR_CONFIG, "the master key file %s can be read by others (mode %03o)", path,
			       st.st_mode & 0777);
	}
	return ERR_OK;
}

static void derive(struct master *m, const unsigned char key[KEY])
{
	unsigned char seed[crypto_box_SEEDBYTES];

	crypto_kdf_derive_from_key(m->wrap, sizeof m->wrap, SUBKEY_WRAP, kdf_context, key);
	crypto_kdf_derive_from_key(m->mac, sizeof m->mac, SUBKEY_MAC, kdf_context, key);
	crypto_kdf_derive_from_key(seed, sizeof seed, SUBKEY_BOX, kdf_context, key);
	crypto_box_seed_keypair(m->box_public, m->box_secret, seed);
	sodium_memzero(seed, sizeof seed);
}

/* Opens without waiting, so that a FIFO in the file's place cannot stop the start. */
static enum err open_key_file(const char *path, int *ret_fd, struct errinfo *ei)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum err e;

	if (fd < 0 && errno == ELOOP)
		return err_set(ei, ERR_CONFIG, "the master key file %s is a symbolic link; name the file itself", path);
	if (fd < 0) {
		err_hint(ei, ERR_CONFIG,
			 "Restore the key file from its backup: without it the stored tokens cannot be opened.");
		return err_set(ei, ERR_CONFIG, "cannot open the master key file %s: %s", path, strerror(errno));
	}
	e = check_file(fd, path, ei);
	if (e) {
		close(fd);
		return e;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err master_load(const char *path, struct master **ret_master, struct errinfo *ei)
{
	char text[HEX + 2];
	struct buf key;
	struct master *m = NULL;
	ssize_t n;
	int fd = -1;
	enum err e = open_key_file(path, &fd, ei);

	if (e)
		return e;
	n = read(fd, text, sizeof text);
	close(fd);
	buf_init(&key, KEY);
	if (n == HEX + 1 && text[HEX] == '\n')
		n = HEX;
	if (n == HEX && decode_hex(slice_make(text, HEX), &key)) {
		m = MEM_NEW(struct master);
		derive(m, (const unsigned char *)key.p);
	}
	buf_done(&key);
	sodium_memzero(text, sizeof text);
	if (!m)
		return err_set(ei, ERR_CONFIG, "the master key file %s does not hold 64 hex digits", path);
	*ret_master = m;
	return ERR_OK;
}

void master_free(struct master **mp)
{
	if (!mp || !*mp)
		return;
	sodium_memzero(*mp, sizeof **mp);
	free(*mp);
	*mp = NULL;
}

static struct slice wrap_place(struct arena *a, const struct data_key *key)
{
	return slice_from(arena_printf(a, "data_keys|%s|%s|%lld", key->id, key->app_id, (long long)key->epoch));
}

struct slice master_wrap(const struct master *m, const struct data_key *key, struct arena *a)
{
	struct slice ad = wrap_place(a, key);
	unsigned char *out = arena_alloc(a, 1, NONCE + SEAL_KEY_BYTES + TAG);

	random_bytes(out, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, key->bytes, SEAL_KEY_BYTES,
						   (const unsigned char *)ad.p, ad.n, NULL, out, m->wrap);
	return slice_make(out, NONCE + SEAL_KEY_BYTES + TAG);
}

enum err master_unwrap(const struct master *m, struct slice wrapped, struct data_key *key, struct errinfo *ei)
{
	struct arena *a = arena_new(4096);
	struct slice ad = wrap_place(a, key);
	const unsigned char *p = (const unsigned char *)wrapped.p;
	int bad = wrapped.n != NONCE + SEAL_KEY_BYTES + TAG ||
		  crypto_aead_xchacha20poly1305_ietf_decrypt(key->bytes, NULL, NULL, p + NONCE, wrapped.n - NONCE,
							     (const unsigned char *)ad.p, ad.n, p, m->wrap) != 0;

	arena_free(&a);
	if (!bad)
		return ERR_OK;
	err_hint(ei, ERR_CRYPTO, "Start with the master key that this data directory was made with.");
	return err_set(ei, ERR_CRYPTO, "the master key does not fit this database (data key %s does not open)",
		       key->id);
}

void master_spool_public(const struct master *m, unsigned char ret[MASTER_PUBLIC_BYTES])
{
	memcpy(ret, m->box_public, MASTER_PUBLIC_BYTES);
}

void master_spool_mac_key(const struct master *m, unsigned char ret[MASTER_MAC_KEY_BYTES])
{
	memcpy(ret, m->mac, MASTER_MAC_KEY_BYTES);
}

enum err master_open_spool(const struct master *m, struct slice head, struct slice entry, struct secret **ret_clear,
			   struct errinfo *ei)
{
	struct buf clear;
	size_t box_n, n;
	char *to;
	int bad;

	if (!spoolseal_check(m->mac, head, entry))
		return err_set(ei, ERR_CRYPTO, "a spooled answer was refused: it is not one of ours, or was changed");
	box_n = entry.n - crypto_auth_hmacsha256_BYTES;
	n = box_n - crypto_box_SEALBYTES;
	buf_init(&clear, n + 1);
	to = buf_reserve(&clear, n);
	bad = crypto_box_seal_open((unsigned char *)to, (const unsigned char *)entry.p, box_n, m->box_public,
				   m->box_secret);
	if (!bad)
		*ret_clear = secret_new(slice_make(to, n));
	buf_done(&clear);
	return bad ? err_set(ei, ERR_CRYPTO, "a spooled answer does not open with this master key") : ERR_OK;
}
