import type { Glyphs } from '../screen/look.ts';
import { type Screen, span } from '../screen/row.ts';
import { type AppState, calledName, listed } from '../state/app-state.ts';
import { chatView } from './chat-view.ts';
import { formView } from './form-view.ts';
import { commandForm, helpForm, newChatForm, outputForm, recoveryForm, registerForm, safetyForm } from './forms.ts';
import { tooSmall } from './frame.ts';
import { listView } from './list-view.ts';

/** The screen of a state. */
export function viewOf(state: AppState, glyphs: Glyphs): Screen {
  const { size, view, open } = state;
  if (size.columns < 28 || size.rows < 7) return tooSmall();
  switch (view.type) {
    case 'starting':
      return { rows: [[], [span('  Opening ...', 'dim')]], cursor: undefined };
    case 'register':
      return formView(state, registerForm(view.registering), glyphs);
    case 'recovery-key':
      return formView(state, recoveryForm(view.key), glyphs);
    case 'new-chat':
      return formView(state, newChatForm(view.phone, view.busy), glyphs);
    case 'command':
      return formView(state, commandForm(view.line, view.busy), glyphs);
    case 'output':
      return formView(state, outputForm(view.output, size.columns, glyphs), glyphs);
    case 'help':
      return formView(state, helpForm(state), glyphs);
    case 'safety':
      return formView(
        state,
        safetyForm(calledName(listed(state, open?.chatId)), view.safety, open?.key, glyphs),
        glyphs,
      );
    case 'chat':
      return open === undefined ? listView(state, glyphs) : chatView(state, open, glyphs);
    case 'list':
      return listView(state, glyphs);
  }
}
