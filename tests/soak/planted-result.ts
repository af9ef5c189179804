import type { MailAppend, Mailbox, MailReceipt } from '@sotto/relay-server/ports';

/** How long what was promised waits in memory. */
const heldBackMs = 20;

/**
 * A planted bug: the relay says that mail is stored before it is.
 *
 * SIGKILL leaves what the kernel has, so that a result between write and fsync would show only in a power cut: here nothing is written yet when the result leaves.
 */
export function earlyResults(mailbox: Mailbox): Mailbox {
  const early: Mailbox['append'] = async (append, quota) => {
    setTimeout(() => {
      mailbox.append(append, quota).catch((error: unknown) => {
        console.error(error);
        process.exit(6);
      });
    }, heldBackMs);
    return acceptedByAll(append);
  };
  return withAppend(mailbox, early);
}

/** What a mailbox says when every device had room, whether or not that is so. */
export function acceptedByAll({ acceptedAt, expiresAt, recipients }: MailAppend): MailReceipt {
  const results = recipients.map(({ userId, items }) => ({
    userId,
    status: 'accepted' as const,
    devices: items.map(({ deviceId }) => ({ deviceId, status: 'accepted' as const })),
  }));
  return { repeated: false, acceptedAt, expiresAt, results };
}

/** A mailbox with another `append`. */
export function withAppend(mailbox: Mailbox, append: Mailbox['append']): Mailbox {
  return new Proxy(mailbox, {
    get(target, name) {
      if (name === 'append') return append;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
