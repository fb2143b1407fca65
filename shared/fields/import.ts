/** Members of the import operations, as the API model has them (2014-11-01). */
import * as z from 'zod';

export const wrappingAlgorithmEnum = () => z.enum(['RSAES_PKCS1_V1_5', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256', 'SM2PKE']);
export const wrappingKeySpecEnum = () => z.enum(['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2']);
export const expirationModelEnum = () => z.enum(['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE']);
export const importTypeEnum = () => z.enum(['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL']);

export const keyMaterialId = () =>
  z
    .string()
    .length(64)
    .regex(/^[a-f0-9]+$/);
export const keyMaterialDescription = () =>
  z
    .string()
    .max(256)
    .regex(/^[a-zA-Z0-9:/_\s.-]+$/);
