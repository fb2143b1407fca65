/*
 * Simulates a networked HSM: forwards every call to the module in SHIM_MODULE and sleeps LATENCY_US before each one that an HSM
 * would answer over the network. For benchmarks only.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#include <pkcs11/pkcs11.h>

static CK_FUNCTION_LIST slow;
static CK_FUNCTION_LIST_PTR fast;
static long latency_us;

static void wait_for_network(void) {
  struct timespec time = {latency_us / 1000000, (latency_us % 1000000) * 1000};
  if (latency_us > 0) nanosleep(&time, NULL);
}

#define SLOW(name, parameters, arguments) \
  static CK_RV slow_##name parameters { wait_for_network(); return fast->name arguments; }

SLOW(C_Encrypt, (CK_SESSION_HANDLE s, CK_BYTE_PTR i, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR m), (s, i, n, o, m))
SLOW(C_Decrypt, (CK_SESSION_HANDLE s, CK_BYTE_PTR i, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR m), (s, i, n, o, m))
SLOW(C_Sign, (CK_SESSION_HANDLE s, CK_BYTE_PTR i, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR m), (s, i, n, o, m))
SLOW(C_Verify, (CK_SESSION_HANDLE s, CK_BYTE_PTR i, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG m), (s, i, n, o, m))
SLOW(C_WrapKey, (CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE w, CK_OBJECT_HANDLE k, CK_BYTE_PTR o, CK_ULONG_PTR n), (s, m, w, k, o, n))
SLOW(C_UnwrapKey, (CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE w, CK_BYTE_PTR i, CK_ULONG n, CK_ATTRIBUTE_PTR t, CK_ULONG c, CK_OBJECT_HANDLE_PTR h), (s, m, w, i, n, t, c, h))
SLOW(C_GenerateKey, (CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR t, CK_ULONG c, CK_OBJECT_HANDLE_PTR h), (s, m, t, c, h))
SLOW(C_DestroyObject, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE h), (s, h))

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  if (fast == NULL) {
    const char *latency = getenv("LATENCY_US"), *path = getenv("SHIM_MODULE");
    void *module = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_RV (*get)(CK_FUNCTION_LIST_PTR_PTR) = module == NULL ? NULL : (CK_RV (*)(CK_FUNCTION_LIST_PTR_PTR))dlsym(module, "C_GetFunctionList");
    if (get == NULL || get(&fast) != CKR_OK) return CKR_GENERAL_ERROR;
    latency_us = latency == NULL ? 0 : atol(latency);
    slow = *fast;
    slow.C_Encrypt = slow_C_Encrypt;
    slow.C_Decrypt = slow_C_Decrypt;
    slow.C_Sign = slow_C_Sign;
    slow.C_Verify = slow_C_Verify;
    slow.C_WrapKey = slow_C_WrapKey;
    slow.C_UnwrapKey = slow_C_UnwrapKey;
    slow.C_GenerateKey = slow_C_GenerateKey;
    slow.C_DestroyObject = slow_C_DestroyObject;
  }
  *list = &slow;
  return CKR_OK;
}
