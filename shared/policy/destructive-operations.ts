/**
 * Operations after which key material is gone, or will be without anybody doing more. Where a deployment has a custodian's role, only that role reaches them,
 * whatever roles and key policies of the service say.
 */
export const destructiveOperations: ReadonlySet<string> = new Set(['DeleteImportedKeyMaterial', 'ScheduleKeyDeletion']);
