/** The event that asks for a step of HSM administration. */
export const administrationSource = 'chatelaine.hsm';
export const administrationDetailType = 'Chatelaine HSM Administration';

export const administrationSteps = ['activate', 'create-users', 'create-keys'] as const;

export interface AdministrationRequest {
  readonly step: (typeof administrationSteps)[number];
  readonly clusterId: string;
  /** Of the domain keys to make. */
  readonly epoch?: number;
}
