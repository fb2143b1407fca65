/** Tags on the cluster. They tell the reconciler what is its own; nothing is allowed because of them. */
export const deploymentTag = 'chatelaine:deployment';
/** Set by the task that made the users, after it saw them on the cluster. Users of a restored cluster came with its backup. */
export const usersTag = 'chatelaine:users';
/** The newest epoch whose domain keys are on the cluster, trusted and shared. Set by the task that made them; keys of a restored cluster came with its backup. */
export const keysTag = 'chatelaine:keys';
