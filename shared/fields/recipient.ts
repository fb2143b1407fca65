/** RecipientInfo: the enclave that the answer is for. AWS KMS API Reference, RecipientInfo. Both members are needed, though the API model calls them optional. */
import * as z from 'zod';
import { blob } from './blob.ts';

export const recipient = () => z.object({ KeyEncryptionAlgorithm: z.enum(['RSAES_OAEP_SHA_256']), AttestationDocument: blob({ min: 1, max: 262_144 }) }).optional();
