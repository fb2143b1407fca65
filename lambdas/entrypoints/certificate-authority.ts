import { composeCertificateAuthority } from '../authority/compose-certificate-authority.ts';
import { createCertificateAuthorityHandler } from '../handlers/certificate-authority-handler.ts';

export const handler = createCertificateAuthorityHandler(composeCertificateAuthority(process.env));
