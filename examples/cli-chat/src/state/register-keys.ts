import { type AppState, activeField, type DetailField, detailFields, type Registering } from './app-state.ts';
import { editByKey } from './edit-keys.ts';
import { emptyEditor } from './editor.ts';
import { type Step, step } from './input.ts';
import { chord, type Key } from './key.ts';

/** Keys while an account is made. */
export function registerByKey(state: AppState, registering: Registering, key: Key): Step<AppState> {
  const field = activeField(registering);
  if (field === undefined) return step(state);
  switch (chord(key)) {
    case 'return':
      if (field === 'code') return giveCode(state, registering);
      return field === 'pin' ? givePin(state, registering) : nextDetail(state, registering);
    case 'tab':
    case 'down':
      return step(moved(state, registering, 1));
    case 'up':
      return step(moved(state, registering, -1));
    case 'C-r':
      if (field === 'code') return step(shown(state, { ...registering, step: 'sending' }), { type: 'resend-code' });
      return step(field === 'pin' ? state : withOrWithoutKey(state, registering));
    default: {
      const edited = editByKey(registering[field], key);
      return step(edited === undefined ? state : shown(state, { ...registering, [field]: edited }));
    }
  }
}

/** On to the next question, or to the relay once all are answered. */
function nextDetail(state: AppState, registering: Registering): Step<AppState> {
  const fields = detailFields(registering);
  const field = firstEmpty(registering) ?? fields[fields.indexOf(registering.field) + 1];
  if (field !== undefined) return step(shown(state, { ...registering, field }));
  const { phone, name, key, recovers } = registering;
  return step(shown(state, { ...registering, step: 'sending' }), {
    type: 'register',
    phone: phone.text.trim(),
    name: name.text.trim(),
    recoveryKey: recovers ? key.text.trim() : undefined,
  });
}

function moved(state: AppState, registering: Registering, by: number): AppState {
  if (registering.step !== 'details') return state;
  const fields = detailFields(registering);
  const field = fields.at((fields.indexOf(registering.field) + by) % fields.length) ?? 'phone';
  return shown(state, { ...registering, field });
}

function withOrWithoutKey(state: AppState, registering: Registering): AppState {
  const next = { ...registering, recovers: !registering.recovers, key: emptyEditor };
  return shown(state, { ...next, field: firstEmpty(next) ?? 'name' });
}

function giveCode(state: AppState, registering: Registering): Step<AppState> {
  const code = registering.code.text.replace(/\s/g, '');
  if (code === '') return step(state);
  return step(shown(state, { ...registering, step: 'checking', code: emptyEditor }), { type: 'give-code', code });
}

function givePin(state: AppState, registering: Registering): Step<AppState> {
  const pin = registering.pin.text;
  if (pin.trim() === '') return step(state);
  return step(shown(state, { ...registering, step: 'checking', pin: emptyEditor }), { type: 'give-pin', pin });
}

function firstEmpty(registering: Registering): DetailField | undefined {
  return detailFields(registering).find((field) => registering[field].text.trim() === '');
}

function shown(state: AppState, registering: Registering): AppState {
  return { ...state, view: { type: 'register', registering } };
}
