export interface ResourceEvent {
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: { readonly Phase: string; readonly Hsms?: string };
}

/** One id for each step of a deployment: it never changes, so CloudFormation never replaces a step and never asks to delete the one before. */
export function createHsmResourceHandler(deployment: string): (event: ResourceEvent) => Promise<{ readonly PhysicalResourceId: string }> {
  return async ({ PhysicalResourceId, ResourceProperties: { Phase, Hsms } }) => ({
    PhysicalResourceId: PhysicalResourceId ?? ['hsm', deployment, Phase, ...(Hsms === undefined ? [] : [Hsms])].join('/'),
  });
}
