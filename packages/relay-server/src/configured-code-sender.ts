import { consoleCodeSender } from './adapters/codes/console-code-sender.ts';
import { webhookCodeSender } from './adapters/codes/webhook-code-sender.ts';
import type { RelayConfig } from './config/relay-config.ts';
import type { Clock } from './ports/clock.ts';
import type { CodeSender } from './ports/code-sender.ts';

/** What the settings say of how codes are sent. */
export function configuredCodeSender({ codes }: RelayConfig, clock: Clock): CodeSender {
  switch (codes.sender) {
    case 'console':
      return consoleCodeSender((line) => process.stdout.write(line));
    case 'webhook':
      return webhookCodeSender({
        url: codes.url,
        secret: codes.secret,
        allowPrivate: codes.allowPrivateWebhook,
        clock,
      });
  }
}
