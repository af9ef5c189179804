import type { AppState, Registering, Safety } from '../state/app-state.ts';
import type { Editor } from '../state/editor.ts';
import type { Form } from './form-view.ts';

/** Making an account. */
export function registerForm({ step, field, phone, name, code, attemptsLeft }: Registering): Form {
  if (step === 'details' || step === 'sending') {
    const asking = step === 'details';
    return {
      title: 'Welcome to Sotto',
      words: ['A new account on this device. Your number gets a code; your name is what the people you write to see.'],
      fields: [
        { label: 'Number', editor: phone, active: asking && field === 'phone' },
        { label: 'Name', editor: name, active: asking && field === 'name' },
      ],
      after: [asking ? 'The number with its country code, like +14155550101.' : 'Asking for a code ...'],
      hints: ['Enter goes on', 'Tab the other field', 'Ctrl-C ends'],
    };
  }
  const left =
    attemptsLeft === undefined ? '' : ` ${attemptsLeft} ${attemptsLeft === 1 ? 'try is' : 'tries are'} left.`;
  return {
    title: 'Welcome to Sotto',
    words: [`A code was sent to ${phone.text}.${left}`],
    fields: [{ label: 'Code', editor: code, active: step === 'code' }],
    after: [step === 'code' ? 'A relay for development prints it in its own terminal.' : 'Making the account ...'],
    hints: ['Enter goes on', 'Ctrl-R new code', 'Ctrl-C ends'],
  };
}

/** The recovery key, shown until somebody says that it is kept. */
export function recoveryForm(key: string): Form {
  return {
    title: 'Your recovery key',
    words: [
      'Write it down and keep it away from this device. It is the only thing that proves that the account is yours when the device is lost; nobody can send it to you again.',
    ],
    kept: groupsOf(key),
    fields: [],
    after: ['Whoever has it can take over your account: show it to nobody.'],
    hints: ['Enter: I have kept it'],
  };
}

/** Five groups a line, so that they fit everywhere and can be checked off. */
function groupsOf(key: string): string[] {
  const groups = key.split('-');
  return Array.from({ length: Math.ceil(groups.length / 5) }, (_, at) => groups.slice(at * 5, at * 5 + 5).join('-'));
}

/** The safety number: four groups a line, as they are read out. */
export function safetyForm(name: string, safety: Safety | undefined): Form {
  const groups = safety?.digits.split(' ') ?? [];
  const lines = Array.from({ length: Math.ceil(groups.length / 4) }, (_, at) =>
    groups.slice(at * 4, at * 4 + 4).join(' '),
  );
  return {
    title: 'Safety number',
    words: [
      `If ${name} sees the same number, nobody stands between you: compare it when you meet, or read it out in a call.`,
    ],
    kept: safety === undefined ? ['Asking for the key ...'] : lines,
    fields: [],
    after: safety === undefined ? [] : [safety.verified ? 'You have marked it as compared.' : 'Not compared yet.'],
    hints: [safety?.verified ? 'v takes the mark back' : 'v: they are the same', 'Esc back'],
  };
}

/** Whom to write to. */
export function newChatForm(phone: Editor, busy: boolean): Form {
  return {
    title: 'New chat',
    words: ['Whom do you want to write to?'],
    fields: [{ label: 'Number', editor: phone, active: !busy }],
    after: [busy ? 'Looking ...' : 'The number with its country code, like +14155550102.'],
    hints: ['Enter goes on', 'Esc back'],
  };
}

/** The keys. */
export function helpForm(_: AppState): Form {
  return {
    title: 'Keys',
    words: [],
    kept: [
      'Chats    Up Down Enter   choose and open',
      '         n               new chat',
      '         k               show the recovery key',
      '         r               connect now',
      '         q               end',
      'Chat     Enter           send',
      '         Alt-Enter       new line (or Ctrl-J)',
      '         PgUp PgDn       scroll',
      '         Ctrl-G          safety number',
      '         Ctrl-Y          accept',
      '         Esc             back to the chats',
      'All      Ctrl-L          paint anew',
      '         Ctrl-Z          suspend',
      '         Ctrl-C          end',
    ],
    fields: [],
    hints: ['Esc back'],
  };
}
