/** CHATELAINE_ATTESTATION_ROOTS: whose attestation documents are believed. */

/**
 * The AWS Nitro Enclaves root G1 of the commercial Regions, by the SHA-256 fingerprint that AWS publishes (AWS Nitro Enclaves User Guide, "Verifying the
 * root of trust"). Documents carry the certificate itself.
 */
export const awsNitroRootG1 = '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b';

/**
 * @param list SHA-256 fingerprints, with or without colons, separated by white space or commas; absent means the root of AWS. A list takes its place.
 * @throws Error for an entry that is no fingerprint
 */
export function configuredAttestationRoots(list: string | undefined): readonly string[] {
  const entries = (list ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const roots = entries.map((entry) => entry.replaceAll(':', '').toLowerCase());
  const fault = roots.findIndex((root) => !/^[0-9a-f]{64}$/.test(root));
  if (fault >= 0) throw new Error(`CHATELAINE_ATTESTATION_ROOTS holds '${entries[fault]!.slice(0, 200)}', which is not the SHA-256 fingerprint of a certificate.`);
  return roots.length === 0 ? [awsNitroRootG1] : roots;
}
