/*
 * Makes the domain keys of one epoch on a token. It is C because the KEK's CKA_UNWRAP_TEMPLATE is a nested attribute array.
 * Reads "name=value" lines from standard input (PINs must not appear on a command line), prints one line per key:
 *   <purpose> created|present [<EC point, hexadecimal>]
 * Running it again changes nothing. Exit codes: 0 done, 2 bad input, 3 the module or the token failed.
 *
 * Without a security officer's PIN the user makes all keys on a token that is there already, as on CloudHSM: there the officer does not log in through
 * PKCS #11 and marks the KEK as trusted afterwards, and its owner shares it with the bridge's user, who can then use it and not change it (CloudHSM user
 * guide, "Trusted keys"). CKA_MODIFIABLE and CKA_PRIVATE have to keep their defaults there ("Supported key attributes").
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pkcs11/pkcs11.h>

static CK_FUNCTION_LIST_PTR f;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY, private_key = CKO_PRIVATE_KEY, public_key = CKO_PUBLIC_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET, ec = CKK_EC;
static CK_ULONG key_bytes = 32;

struct input { char module[1024], label[64], domain[128], so_pin[256], user_pin[256], epoch[16]; };

static void check(const char *what, CK_RV rv) {
  if (rv == CKR_OK) return;
  fprintf(stderr, "%s failed: CKR 0x%lx\n", what, (unsigned long)rv);
  exit(3);
}

static void take(char *target, size_t size, const char *value) {
  if (strlen(value) >= size) { fprintf(stderr, "an input value is too long\n"); exit(2); }
  strcpy(target, value);
}

static void read_input(struct input *in) {
  char line[1200];
  memset(in, 0, sizeof *in);
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    char *value = strchr(line, '=');
    if (!value) continue;
    *value++ = 0;
    if (!strcmp(line, "module")) take(in->module, sizeof in->module, value);
    else if (!strcmp(line, "label")) take(in->label, sizeof in->label, value);
    else if (!strcmp(line, "domain")) take(in->domain, sizeof in->domain, value);
    else if (!strcmp(line, "soPin")) take(in->so_pin, sizeof in->so_pin, value);
    else if (!strcmp(line, "userPin")) take(in->user_pin, sizeof in->user_pin, value);
    else if (!strcmp(line, "epoch")) take(in->epoch, sizeof in->epoch, value);
    memset(line, 0, sizeof line);
  }
  if (!in->module[0] || !in->label[0] || strlen(in->label) > 32 || !in->domain[0] || !in->user_pin[0] || !in->epoch[0]) {
    fprintf(stderr, "module, label (at most 32 characters), domain, epoch and userPin are required\n");
    exit(2);
  }
}

/* Attributes at the end of a template that only the officer's way has. */
static CK_ULONG length(const struct input *in, size_t all, size_t officers) { return in->so_pin[0] ? all : all - officers; }

/* PKCS #11: token labels are blank-padded to 32 characters. */
static void pad_label(const char *label, CK_UTF8CHAR padded[32]) {
  memset(padded, ' ', 32);
  memcpy(padded, label, strlen(label));
}

static int find_slot(const CK_UTF8CHAR padded[32], CK_SLOT_ID *found, CK_SLOT_ID *free_slot, int *has_free) {
  CK_SLOT_ID slots[64];
  CK_ULONG count = 64;
  *has_free = 0;
  check("C_GetSlotList", f->C_GetSlotList(CK_TRUE, slots, &count));
  for (CK_ULONG i = 0; i < count; i++) {
    CK_TOKEN_INFO info;
    check("C_GetTokenInfo", f->C_GetTokenInfo(slots[i], &info));
    if (!(info.flags & CKF_TOKEN_INITIALIZED)) { *free_slot = slots[i]; *has_free = 1; }
    else if (!memcmp(info.label, padded, 32)) { *found = slots[i]; return 1; }
  }
  return 0;
}

static CK_SLOT_ID ready_slot(const struct input *in) {
  CK_UTF8CHAR padded[32];
  CK_SLOT_ID slot, free_slot;
  int has_free;
  pad_label(in->label, padded);
  if (find_slot(padded, &slot, &free_slot, &has_free)) return slot;
  if (!in->so_pin[0]) { fprintf(stderr, "no token with this label, and no security officer to make one\n"); exit(3); }
  if (!has_free) { fprintf(stderr, "no token with this label and no free slot\n"); exit(3); }
  check("C_InitToken", f->C_InitToken(free_slot, (CK_UTF8CHAR_PTR)in->so_pin, strlen(in->so_pin), padded));
  if (!find_slot(padded, &slot, &free_slot, &has_free)) { fprintf(stderr, "the new token has no slot\n"); exit(3); }
  return slot;
}

static int find_object(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, const char *label, CK_OBJECT_HANDLE *found) {
  CK_ATTRIBUTE t[] = {{CKA_CLASS, class, sizeof *class}, {CKA_LABEL, (void *)label, strlen(label)}, {CKA_TOKEN, &yes, sizeof yes}};
  CK_ULONG count = 0;
  check("C_FindObjectsInit", f->C_FindObjectsInit(s, t, 3));
  check("C_FindObjects", f->C_FindObjects(s, found, 1, &count));
  check("C_FindObjectsFinal", f->C_FindObjectsFinal(s));
  return count == 1;
}

static void label_of(const struct input *in, const char *purpose, char out[256]) {
  snprintf(out, 256, "chatelaine/%s/%s/%s", in->domain, purpose, in->epoch);
}

/* Generated by the security officer: only he may set CKA_TRUSTED, and he sees public objects only, hence CKA_PRIVATE=FALSE. */
static void ensure_kek(CK_SESSION_HANDLE s, const struct input *in) {
  char label[256];
  CK_OBJECT_HANDLE h;
  label_of(in, "kek", label);
  if (find_object(s, &secret_key, label, &h)) { printf("kek present\n"); return; }
  CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL_PTR, 0};
  CK_MECHANISM_TYPE allowed[] = {CKM_AES_KEY_WRAP_PAD};
  /* Exactly these four: adding CKA_WRAP or CKA_UNWRAP makes SoftHSM refuse every private key. */
  CK_ATTRIBUTE unwrapped[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_WRAP_WITH_TRUSTED, &yes, 1}, {CKA_TOKEN, &no, 1}};
  CK_ATTRIBUTE t[] = {
      {CKA_CLASS, &secret_key, sizeof secret_key}, {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &key_bytes, sizeof key_bytes},
      {CKA_LABEL, label, strlen(label)}, {CKA_TOKEN, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
      {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_ENCRYPT, &no, 1}, {CKA_DECRYPT, &no, 1},
      {CKA_SIGN, &no, 1}, {CKA_VERIFY, &no, 1}, {CKA_DERIVE, &no, 1}, {CKA_UNWRAP_TEMPLATE, unwrapped, sizeof unwrapped},
      {CKA_PRIVATE, &no, 1}, {CKA_TRUSTED, &yes, 1}, {CKA_MODIFIABLE, &no, 1}, {CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed},
  };
  check("generating the KEK", f->C_GenerateKey(s, &generate, t, length(in, sizeof t / sizeof *t, 4), &h));
  printf("kek created\n");
}

static void ensure_secret(CK_SESSION_HANDLE s, const struct input *in, const char *purpose, CK_MECHANISM_TYPE mechanism, CK_KEY_TYPE *type, int signs) {
  char label[256];
  CK_OBJECT_HANDLE h;
  label_of(in, purpose, label);
  if (find_object(s, &secret_key, label, &h)) { printf("%s present\n", purpose); return; }
  CK_MECHANISM generate = {mechanism, NULL_PTR, 0};
  CK_BBOOL *sign = signs ? &yes : &no, *encrypt = signs ? &no : &yes;
  CK_ATTRIBUTE t[] = {
      {CKA_CLASS, &secret_key, sizeof secret_key}, {CKA_KEY_TYPE, type, sizeof *type}, {CKA_VALUE_LEN, &key_bytes, sizeof key_bytes},
      {CKA_LABEL, label, strlen(label)}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
      {CKA_WRAP, &no, 1}, {CKA_UNWRAP, &no, 1}, {CKA_DERIVE, &no, 1},
      {CKA_SIGN, sign, 1}, {CKA_VERIFY, sign, 1}, {CKA_ENCRYPT, encrypt, 1}, {CKA_DECRYPT, encrypt, 1},
      {CKA_MODIFIABLE, &no, 1},
  };
  check(purpose, f->C_GenerateKey(s, &generate, t, length(in, sizeof t / sizeof *t, 1), &h));
  printf("%s created\n", purpose);
}

static void ensure_audit_key(CK_SESSION_HANDLE s, const struct input *in) {
  char label[256];
  CK_OBJECT_HANDLE secret, public;
  const char *state = "present";
  label_of(in, "audit", label);
  if (!find_object(s, &private_key, label, &secret)) {
    CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL_PTR, 0};
    CK_ATTRIBUTE pub[] = {
        {CKA_CLASS, &public_key, sizeof public_key}, {CKA_KEY_TYPE, &ec, sizeof ec}, {CKA_EC_PARAMS, p384, sizeof p384}, {CKA_LABEL, label, strlen(label)},
        {CKA_TOKEN, &yes, 1}, {CKA_VERIFY, &yes, 1},
        {CKA_PRIVATE, &no, 1}, {CKA_MODIFIABLE, &no, 1}, {CKA_ENCRYPT, &no, 1}, {CKA_WRAP, &no, 1},
    };
    CK_ATTRIBUTE prv[] = {
        {CKA_CLASS, &private_key, sizeof private_key}, {CKA_KEY_TYPE, &ec, sizeof ec}, {CKA_LABEL, label, strlen(label)}, {CKA_TOKEN, &yes, 1},
        {CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_SIGN, &yes, 1},
        {CKA_DECRYPT, &no, 1}, {CKA_UNWRAP, &no, 1}, {CKA_DERIVE, &no, 1},
        {CKA_MODIFIABLE, &no, 1},
    };
    CK_ULONG pub_length = length(in, sizeof pub / sizeof *pub, 4), prv_length = length(in, sizeof prv / sizeof *prv, 1);
    check("generating the audit key", f->C_GenerateKeyPair(s, &generate, pub, pub_length, prv, prv_length, &public, &secret));
    state = "created";
  } else if (!find_object(s, &public_key, label, &public)) {
    fprintf(stderr, "the audit key has no public half on the token\n");
    exit(3);
  }
  CK_BYTE point[256];
  CK_ATTRIBUTE read[] = {{CKA_EC_POINT, point, sizeof point}};
  check("reading the audit public key", f->C_GetAttributeValue(s, public, read, 1));
  printf("audit %s ", state);
  for (CK_ULONG i = 0; i < read[0].ulValueLen; i++) printf("%02x", point[i]);
  printf("\n");
}

int main(void) {
  static struct input in;
  read_input(&in);
  void *module = dlopen(in.module, RTLD_NOW);
  if (!module) { fprintf(stderr, "cannot load the PKCS #11 module: %s\n", dlerror()); return 3; }
  CK_RV (*get_list)(CK_FUNCTION_LIST_PTR_PTR);
  *(void **)&get_list = dlsym(module, "C_GetFunctionList");
  if (!get_list) { fprintf(stderr, "the module is not a PKCS #11 module\n"); return 3; }
  check("C_GetFunctionList", get_list(&f));
  check("C_Initialize", f->C_Initialize(NULL_PTR));
  CK_SLOT_ID slot = ready_slot(&in);
  CK_SESSION_HANDLE s;
  CK_TOKEN_INFO info;
  check("C_GetTokenInfo", f->C_GetTokenInfo(slot, &info));
  check("C_OpenSession", f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR, &s));
  if (in.so_pin[0]) {
    check("login of the security officer", f->C_Login(s, CKU_SO, (CK_UTF8CHAR_PTR)in.so_pin, strlen(in.so_pin)));
    if (!(info.flags & CKF_USER_PIN_INITIALIZED)) check("C_InitPIN", f->C_InitPIN(s, (CK_UTF8CHAR_PTR)in.user_pin, strlen(in.user_pin)));
    ensure_kek(s, &in);
    check("C_Logout", f->C_Logout(s));
  }
  check("login of the user", f->C_Login(s, CKU_USER, (CK_UTF8CHAR_PTR)in.user_pin, strlen(in.user_pin)));
  if (!in.so_pin[0]) ensure_kek(s, &in);
  ensure_secret(s, &in, "mac", CKM_GENERIC_SECRET_KEY_GEN, &generic, 1);
  ensure_secret(s, &in, "seed", CKM_AES_KEY_GEN, &aes, 0);
  ensure_audit_key(s, &in);
  check("C_Logout", f->C_Logout(s));
  check("C_Finalize", f->C_Finalize(NULL_PTR));
  memset(&in, 0, sizeof in);
  return 0;
}
