import { type CallerClass, callerClasses } from '#shared/bridge-protocol.ts';

const prefix = 'URI:spiffe://chatelaine/';

/** The class that the client certificate names, if it names exactly one. @param alternativeName as node:crypto prints it. */
export function callerClassOf(alternativeName: string | undefined): CallerClass | undefined {
  const names = (alternativeName ?? '').split(', ').filter((name) => name.startsWith('URI:'));
  const [only] = names;
  if (names.length !== 1 || only === undefined || !only.startsWith(prefix)) return undefined;
  return callerClasses.find((callerClass) => only === prefix + callerClass);
}
