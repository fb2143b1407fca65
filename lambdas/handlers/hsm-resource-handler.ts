export interface ResourceEvent {
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: { readonly Deployment: string; readonly Phase: string; readonly Hsms?: string };
}

/** One id for each step of a deployment: it never changes, so CloudFormation never replaces a step and never asks to delete the one before. */
export function createHsmResourceHandler(): (event: ResourceEvent) => Promise<{ readonly PhysicalResourceId: string }> {
  return async ({ PhysicalResourceId, ResourceProperties: { Deployment, Phase, Hsms } }) => ({
    PhysicalResourceId: PhysicalResourceId ?? ['hsm', Deployment, Phase, ...(Hsms === undefined ? [] : [Hsms])].join('/'),
  });
}
