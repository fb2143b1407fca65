import { desiredOf, readHsmSettings } from '#shared/cloudhsm/settings.ts';
import { readEnvironment } from '#shared/env/function-environment.ts';
import { composeReconciler, readHardwareRoots } from '../cloudhsm/compose-hsm.ts';
import { createHsmReconcileHandler } from '../handlers/hsm-reconcile-handler.ts';
import { createFunctionMetrics } from '../metrics/function-metrics.ts';

const { CHATELAINE_DEPLOYMENT: deployment, CHATELAINE_HSM, CHATELAINE_HSM_ROOTS } = readEnvironment('hsmReconcile', process.env);

/** The settings are read at the first request: what is wrong with them is then the request's answer. */
export const handler = (event: unknown) => {
  const settings = readHsmSettings(CHATELAINE_HSM);
  const roots = () => readHardwareRoots(CHATELAINE_HSM_ROOTS);
  return createHsmReconcileHandler({
    ports: composeReconciler(settings, process.env),
    desired: (phase, hsms) => desiredOf(settings, roots, phase, hsms),
    metrics: createFunctionMetrics({ deployment }),
  })(event);
};
