"""Imported key material with unmodified boto3: symmetric, HMAC, expiry, deletion, the wrong material. Prints one JSON object of what it saw."""

import datetime
import hashlib
import hmac
import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, region = sys.argv[1:3]
kms = boto3.client("kms", endpoint_url=endpoint, region_name=region, config=Config(retries={"max_attempts": 1}))


def code_of(call, **members):
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


def rsa_public_key(der):
    """The modulus and the exponent of a SubjectPublicKeyInfo, RFC 8017 appendix A.1.1."""

    def read(at):
        length, start = der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(der[start : start + count], "big"), start + count
        return start, start + length

    algorithm, _ = read(0)
    bits, _ = read(read(algorithm)[1])
    numbers, _ = read(bits + 1)
    n_start, n_end = read(numbers)
    e_start, e_end = read(n_end)
    return int.from_bytes(der[n_start:n_end], "big"), int.from_bytes(der[e_start:e_end], "big")


def wrap_oaep_sha256(public_key, material):
    """RSAES-OAEP, RFC 8017 section 7.1.1: Python has no RSA of its own."""
    n, e = rsa_public_key(public_key)
    size = (n.bit_length() + 7) // 8

    def mask(seed, length):
        blocks = (hashlib.sha256(seed + counter.to_bytes(4, "big")).digest() for counter in range(length // 32 + 1))
        return b"".join(blocks)[:length]

    def xor(a, b):
        return bytes(x ^ y for x, y in zip(a, b, strict=True))

    block = hashlib.sha256(b"").digest() + bytes(size - len(material) - 66) + b"\x01" + material
    seed = os.urandom(32)
    masked = xor(block, mask(seed, len(block)))
    message = b"\x00" + xor(seed, mask(masked, 32)) + masked
    return pow(int.from_bytes(message, "big"), e, n).to_bytes(size, "big")


def import_request(key, material, **members):
    parameters = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    wrapped = wrap_oaep_sha256(parameters["PublicKey"], material)
    return {"KeyId": key, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": wrapped, **members}


def state_of(key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]


for_ever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
material = os.urandom(32)
states = [state_of(key)["KeyState"]]
kms.import_key_material(**import_request(key, material, **for_ever))
states.append(state_of(key)["KeyState"])
blob = kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
kms.delete_imported_key_material(KeyId=key)
states.append(state_of(key)["KeyState"])
without = code_of(kms.decrypt, CiphertextBlob=blob)
other = code_of(kms.import_key_material, **import_request(key, os.urandom(32), **for_ever))
valid_to = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=2)
kms.import_key_material(**import_request(key, material, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to))

mac_key = kms.create_key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
mac_material = os.urandom(32)
kms.import_key_material(**import_request(mac_key, mac_material, **for_ever))
mac = kms.generate_mac(KeyId=mac_key, Message=b"message", MacAlgorithm="HMAC_SHA_256")["Mac"]

first, second = (kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"] for _ in range(2))
strange = {**import_request(first, material, **for_ever), "KeyId": second}
print(
    json.dumps(
        {
            "states": states,
            "without": without,
            "otherMaterial": other,
            "again": kms.decrypt(CiphertextBlob=blob)["Plaintext"].decode(),
            "validTo": state_of(key)["ValidTo"] == valid_to,
            "expirationModel": state_of(key)["ExpirationModel"],
            "macIsOfTheMaterial": mac == hmac.new(mac_material, b"message", hashlib.sha256).digest(),
            "tokenOfAnotherKey": code_of(kms.import_key_material, **strange),
            "wrappedByNobody": code_of(kms.import_key_material, **{**import_request(first, material, **for_ever), "EncryptedKeyMaterial": b"\x01" * 256}),
        }
    )
)
