/** The event that asks for a step of HSM administration. */
export const administrationSource = 'chatelaine.hsm';
export const administrationDetailType = 'Chatelaine HSM Administration';
