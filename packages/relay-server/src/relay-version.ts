/** The version of this package; a test holds it to package.json. */
export const relayVersion = '0.1.0';
