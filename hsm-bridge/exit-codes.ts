/** Why the bridge process ended, for its supervisor. */
export const exitCodes = {
  drained: 0,
  /** A fault of the program. */
  fault: 1,
  /** Do not restart before the configuration or the installation is changed. */
  configInvalid: 64,
  /** The token was there and is gone: restart. */
  tokenLost: 70,
  /** The token is not there, or the login fails: restart with back-off. */
  tokenUnavailable: 71,
  /** The domain keys are missing or wrong: an operator must look. */
  domainKeysRefused: 72,
  /** A secret of the container is missing, empty or unreadable: an operator must look. */
  secretUnusable: 73,
} as const;
