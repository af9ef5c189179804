import type { AppState, Registering } from './app-state.ts';
import { editByKey } from './edit-keys.ts';
import { emptyEditor } from './editor.ts';
import { type Step, step } from './input.ts';
import { chord, type Key } from './key.ts';

/** Keys while an account is made. */
export function registerByKey(state: AppState, registering: Registering, key: Key): Step<AppState> {
  switch (registering.step) {
    case 'details':
      return detailsByKey(state, registering, key);
    case 'code':
      return codeByKey(state, registering, key);
    default:
      return step(state);
  }
}

function detailsByKey(state: AppState, registering: Registering, key: Key): Step<AppState> {
  const { field, phone, name } = registering;
  switch (chord(key)) {
    case 'tab':
    case 'up':
    case 'down':
      return step(shown(state, { ...registering, field: field === 'phone' ? 'name' : 'phone' }));
    case 'return':
      if (phone.text.trim() === '') return step(shown(state, { ...registering, field: 'phone' }));
      if (field === 'phone' || name.text.trim() === '') return step(shown(state, { ...registering, field: 'name' }));
      return step(shown(state, { ...registering, step: 'sending' }), {
        type: 'register',
        phone: phone.text.trim(),
        name: name.text.trim(),
      });
    default: {
      const edited = editByKey(registering[field], key);
      return step(edited === undefined ? state : shown(state, { ...registering, [field]: edited }));
    }
  }
}

function codeByKey(state: AppState, registering: Registering, key: Key): Step<AppState> {
  switch (chord(key)) {
    case 'return': {
      const code = registering.code.text.replace(/\s/g, '');
      if (code === '') return step(state);
      return step(shown(state, { ...registering, step: 'checking', code: emptyEditor }), { type: 'give-code', code });
    }
    case 'C-r':
      return step(shown(state, { ...registering, step: 'sending' }), { type: 'resend-code' });
    default: {
      const code = editByKey(registering.code, key);
      return step(code === undefined ? state : shown(state, { ...registering, code }));
    }
  }
}

function shown(state: AppState, registering: Registering): AppState {
  return { ...state, view: { type: 'register', registering } };
}
