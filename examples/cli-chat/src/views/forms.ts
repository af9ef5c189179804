import type { Glyphs } from '../screen/look.ts';
import {
  type AppState,
  activeField,
  type KeyState,
  type Output,
  type Registering,
  type Safety,
} from '../state/app-state.ts';
import type { Editor } from '../state/editor.ts';
import { wrapText } from '../text/wrap.ts';
import type { Form } from './form-view.ts';
import { qrPicture } from './qr-picture.ts';

const outputMargin = 6;
const leastOutput = 24;
const widestOutput = 72;

/** Making an account. */
export function registerForm(registering: Registering): Form {
  const { step, recovers, phone, name, key, code, pin } = registering;
  const active = activeField(registering);
  const title = 'Welcome to Sotto';
  switch (step) {
    case 'details':
    case 'sending': {
      const fields = [
        { label: 'Number', editor: phone, active: active === 'phone' },
        { label: 'Name', editor: name, active: active === 'name' },
      ];
      if (recovers) fields.push({ label: 'Key', editor: key, active: active === 'key' });
      const words = recovers
        ? 'Your account on this device. Its recovery key says that it is yours; other devices of it are signed out, and those you write to see that your key has changed.'
        : 'A new account on this device. Your number gets a code; your name is what the people you write to see.';
      return {
        title,
        words: [words],
        fields,
        after: [step === 'sending' ? 'Asking for a code ...' : 'The number with its country code, like +14155550101.'],
        hints: [
          'Enter goes on',
          'Tab next',
          recovers ? 'Ctrl-R no recovery key' : 'Ctrl-R I have a recovery key',
          'Ctrl-C ends',
        ],
      };
    }
    case 'pin':
      return {
        title,
        words: [`The account of this number is locked by a PIN.${triesText(registering)}`],
        fields: [{ label: 'PIN', editor: pin, active: true, hidden: true }],
        after: ['Its recovery key opens it, too.'],
        hints: ['Enter goes on', 'Ctrl-C ends'],
      };
    case 'code':
    case 'checking':
      return {
        title,
        words: [`A code was sent to ${phone.text}.${triesText(registering)}`],
        fields: [{ label: 'Code', editor: code, active: active === 'code' }],
        after: [step === 'code' ? 'A relay for development prints it in its own terminal.' : 'Making the account ...'],
        hints: ['Enter goes on', 'Ctrl-R new code', 'Ctrl-C ends'],
      };
  }
}

function triesText({ attemptsLeft }: Registering): string {
  if (attemptsLeft === undefined) return '';
  return ` ${attemptsLeft} ${attemptsLeft === 1 ? 'try is' : 'tries are'} left.`;
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

/** The safety number: four groups a line, as they are read out, and its code for a camera. */
export function safetyForm(name: string, safety: Safety | undefined, key: KeyState | undefined, glyphs: Glyphs): Form {
  const title = 'Safety number';
  const back = 'Esc back';
  if (safety === undefined) return { title, words: [], kept: ['Asking for the key ...'], fields: [], hints: [back] };
  const groups = safety.digits.split(' ');
  const lines = Array.from({ length: Math.ceil(groups.length / 4) }, (_, at) =>
    groups.slice(at * 4, at * 4 + 4).join(' '),
  );
  const shown = { title, kept: lines, fields: [], picture: qrPicture(safety.qr, glyphs) };
  if (key?.changed) {
    return {
      ...shown,
      words: [`${name} has a new key, and this is its number. If they see the same, nobody stands between you.`],
      after: ['Not accepted yet.'],
      hints: ['Ctrl-Y accepts the key', back],
    };
  }
  return {
    ...shown,
    words: [
      `If ${name} sees the same number, nobody stands between you: compare it when you meet, or read it out in a call.`,
    ],
    after: [safety.verified ? 'You have marked it as compared.' : 'Not compared yet.'],
    hints: [safety.verified ? 'v takes the mark back' : 'v: they are the same', back],
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

/** What is to be done, for the rarer things. */
export function commandForm(line: Editor, busy: boolean): Form {
  return {
    title: 'Command',
    words: ['group TITLE +NUMBER ... makes a group, devices lists your devices, help tells the rest.'],
    fields: [{ label: ':', editor: line, active: !busy }],
    after: [busy ? 'Working ...' : ''],
    hints: ['Enter does it', 'Esc back'],
  };
}

/** What a command has said, with its code for a camera. */
export function outputForm({ title, lines, qr, asks }: Output, columns: number, glyphs: Glyphs): Form {
  const picture = qr && qrPicture(qr, glyphs);
  const beside = columns - outputMargin - (picture?.columns ?? 0);
  const width = beside >= leastOutput ? beside : columns - outputMargin;
  const kept = lines.flatMap((line) => [...wrapText(line, Math.max(8, Math.min(widestOutput, width)))]);
  return {
    title,
    words: [],
    kept,
    fields: [],
    hints: [asks ? 'y yes · n no' : 'Esc back'],
    ...(picture && { picture }),
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
      '         :               commands: groups, devices, ...',
      '         q               end',
      'Chat     Enter           send',
      '         Alt-Enter       new line (or Ctrl-J)',
      '         PgUp PgDn       scroll',
      '         Ctrl-G          safety number, or who is in the group',
      '         Ctrl-P          commands, for this chat',
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
