/** What a process can be asked for: by name, what is given and what is answered. Everything has to survive JSON. */
export type Calls = { readonly [name: string]: { readonly arg: unknown; readonly value: unknown } };

/** A question to a process. */
export interface Question {
  readonly call: number;
  readonly name: string;
  readonly arg: unknown;
}

/** An error as it crosses to another process. */
export interface TransferredError {
  readonly code: string;
  readonly message: string;
}

/** What a process says: answers to questions, and reports that nobody asked for. */
export type Saying =
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: TransferredError }
  | { readonly report: unknown };
