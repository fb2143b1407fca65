/** How the service's events are named on the bus. Rules of the stacks match by these. */
export const eventSource = 'chatelaine';
export const auditDetailType = 'AuditRecord';
export const alarmDetailType = 'Alarm';
