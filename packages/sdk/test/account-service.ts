import type {
  DeletionRequest,
  PrekeyUpload,
  RegistrationRequest,
  TokenRequest,
  VerificationRequest,
} from '@sotto/proto';
import { refusal, type ScriptedAnswer, type SeenRequest } from './scripted-relay.ts';

/** What a relay says of accounts, tokens and prekeys, on a scripted relay: the rules of docs/protocol.md for one account at a time. */
export class AccountService {
  readonly code = '123456';
  verifications = 0;
  triesLeft = 5;
  /** The request that made the account. */
  account: RegistrationRequest | undefined;
  tokenRequests: TokenRequest[] = [];
  /** A refresh token that was replaced so long ago that nothing is known of it. */
  forgotten: string | undefined;
  left = { ec: 100, kyber: 100 };
  uploads: PrekeyUpload[] = [];
  profiles: string[] = [];
  avatars = 0;
  accessExpiresInMs = 3_600_000;
  /** The proofs that came, in order. */
  proofs: string[] = [];
  /** The proof that ended the account. */
  #endedBy: string | undefined;
  /** The number that the account has. */
  number = '+14155550101';
  /** Takes the place of an answer, after the request had its effect. */
  lose: ((request: SeenRequest) => ScriptedAnswer | undefined) | undefined;
  #tokens = 0;
  #refresh = '';
  #next = '';
  #verification = '';
  #verifiedNumber = '';

  answer = (request: SeenRequest): ScriptedAnswer => {
    const answer = this.#answer(request);
    return this.lose?.(request) ?? answer;
  };

  /** The access token in use. */
  get access(): string {
    return `access-${this.#tokens}`;
  }

  /** No token of the device works from here on. */
  endSession(): void {
    this.#refresh = 'ended';
    this.#next = '';
    this.#tokens++;
  }

  /** The access token does not work any more; a refresh helps. */
  expireAccess(): void {
    this.#tokens++;
  }

  #answer(request: SeenRequest): ScriptedAnswer {
    const route = `${request.method} ${request.path}`;
    if (route === 'POST /v1/verifications') return this.#verify(JSON.parse(request.body));
    if (route === 'POST /v1/registrations') return this.#register(JSON.parse(request.body));
    if (route === 'POST /v1/tokens') return this.#rotate(JSON.parse(request.body));
    if (route === 'POST /v1/account/deletion') return this.#delete(JSON.parse(request.body), request.authorization);
    if (request.authorization !== `Bearer ${this.access}`) return refusal(401, 'token-invalid');
    switch (route) {
      case 'GET /v1/prekeys':
        return { json: this.left };
      case 'PUT /v1/prekeys':
        return this.#upload(JSON.parse(request.body));
      case 'PUT /v1/profile':
        this.profiles.push(JSON.parse(request.body).profile);
        return { status: 204 };
      case 'PUT /v1/profile/avatar':
        this.avatars++;
        return { status: 204 };
      case 'DELETE /v1/profile/avatar':
        this.avatars = 0;
        return { status: 204 };
      case 'GET /v1/account':
        return { json: { userId: this.account?.userId ?? '', deviceId: 1, number: this.number, locked: false } };
      case 'POST /v1/account/number':
        this.number = this.#verifiedNumber;
        return { status: 204 };
      default:
        return refusal(404, 'not-found');
    }
  }

  #verify({ number }: VerificationRequest): ScriptedAnswer {
    this.#verifiedNumber = number;
    this.#verification = `verification-${++this.verifications}`;
    this.triesLeft = 5;
    return {
      status: 202,
      json: { verificationId: this.#verification, codeLength: 6, expiresInMs: 600_000, resendAfterMs: 60_000 },
    };
  }

  #register(request: RegistrationRequest): ScriptedAnswer {
    const repeated = this.account?.idempotencyKey === request.idempotencyKey;
    if (!repeated) {
      if (request.verificationId !== this.#verification) return refusal(404, 'verification-unknown');
      if (this.triesLeft === 0) return refusal(410, 'code-void');
      if (request.code !== this.code) return refusal(403, 'code-wrong', { attemptsLeft: --this.triesLeft });
    }
    this.account = request;
    this.#refresh = request.refreshToken;
    this.#tokens++;
    const { userId } = request;
    return { json: { userId, deviceId: 1, accessToken: this.access, accessExpiresInMs: this.accessExpiresInMs } };
  }

  #rotate(request: TokenRequest): ScriptedAnswer {
    this.tokenRequests.push(request);
    const { refreshToken, nextRefreshToken } = request;
    if (refreshToken === this.forgotten) return refusal(401, 'token-invalid');
    const repeated = refreshToken === this.#refresh && nextRefreshToken === this.#next;
    const forward = refreshToken === (this.#next || this.#refresh);
    if (!repeated && !forward) return refusal(401, refreshToken === this.#refresh ? 'token-reused' : 'token-invalid');
    this.#refresh = refreshToken;
    this.#next = nextRefreshToken;
    this.#tokens++;
    return { json: { accessToken: this.access, accessExpiresInMs: this.accessExpiresInMs } };
  }

  #delete({ proof }: DeletionRequest, authorization: string | undefined): ScriptedAnswer {
    this.proofs.push(proof);
    if (proof === this.#endedBy) return { status: 204 };
    if (authorization !== `Bearer ${this.access}`) return refusal(401, 'token-invalid');
    this.endSession();
    this.#endedBy = proof;
    return { status: 204 };
  }

  #upload(upload: PrekeyUpload): ScriptedAnswer {
    this.uploads.push(upload);
    this.left = {
      ec: this.left.ec + (upload.prekeys?.length ?? 0),
      kyber: this.left.kyber + (upload.kyberPrekeys?.length ?? 0),
    };
    return { json: this.left };
  }
}
