"""A tour with unmodified boto3. Arguments: endpoint, Region, signing name. Prints one JSON object of what it saw."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, region, signing_name = sys.argv[1:4]
kms = boto3.client("kms", endpoint_url=endpoint, region_name=region, config=Config(retries={"max_attempts": 1}))
if signing_name != "kms":
    kms.meta.events.register("choose-signer.kms.*", lambda context, **_: context.setdefault("signing", {}).update(signing_name=signing_name))


def code_of(call, **members):
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


key = kms.create_key(Description="boto3", Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]
kms.create_alias(AliasName="alias/boto3", TargetKeyId=key["KeyId"])
context = {"purpose": "tour"}
encrypted = kms.encrypt(KeyId="alias/boto3", Plaintext=b"hello", EncryptionContext=context)
data_key = kms.generate_data_key(KeyId=key["Arn"], KeySpec="AES_256")
signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
signature = kms.sign(KeyId=signer, Message=b"message", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
mac_key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
mac = kms.generate_mac(KeyId=mac_key, Message=b"message", MacAlgorithm="HMAC_SHA_256")["Mac"]
kms.rotate_key_on_demand(KeyId=key["KeyId"])
print(
    json.dumps(
        {
            "arn": key["Arn"],
            "plaintext": kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"], EncryptionContext=context)["Plaintext"].decode(),
            "dataKeyLength": len(data_key["Plaintext"]),
            "dataKeyOpens": kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"])["Plaintext"] == data_key["Plaintext"],
            "signatureValid": kms.verify(KeyId=signer, Message=b"message", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"],
            "macValid": kms.verify_mac(KeyId=mac_key, Message=b"message", Mac=mac, MacAlgorithm="HMAC_SHA_256")["MacValid"],
            "listed": key["KeyId"] in [entry["KeyId"] for page in kms.get_paginator("list_keys").paginate(Limit=1) for entry in page["Keys"]],
            "rotations": len(kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]),
            "wrongContext": code_of(kms.decrypt, CiphertextBlob=encrypted["CiphertextBlob"]),
            "unknownKey": code_of(kms.describe_key, KeyId="00000000-0000-4000-8000-000000000000"),
            "wrongUsage": code_of(kms.sign, KeyId=key["KeyId"], Message=b"m", SigningAlgorithm="ECDSA_SHA_256"),
        }
    )
)
