import { SottoError } from '../sotto-error.ts';

/** The code of the `SottoError` with which a promise is rejected; anything else is told as it is. */
export async function failureCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'it did not fail';
  } catch (error) {
    return error instanceof SottoError ? error.code : `another error: ${error}`;
  }
}
