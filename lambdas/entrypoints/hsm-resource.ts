/** Answers CloudFormation's requests for the steps of the HSM. The work is done by the polls that follow (hsm-reconcile). It may do nothing on AWS. */
import { readEnvironment } from '#shared/env/function-environment.ts';
import { createHsmResourceHandler } from '../handlers/hsm-resource-handler.ts';

export const handler = createHsmResourceHandler(readEnvironment('hsmResource', process.env).CHATELAINE_DEPLOYMENT);
