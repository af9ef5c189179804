/** The texts of a soak: each begins with the message's own name, and the rest follows from it, so that a changed one shows. */
export function textOf(message: string): string {
  let sum = 0;
  for (const char of message) sum = (Math.imul(sum, 31) + char.charCodeAt(0)) >>> 0;
  const length = sum % 10 === 0 ? sum % 2_000 : sum % 120;
  return `${message}|${message.repeat(Math.ceil(length / message.length)).slice(0, length)}`;
}

/** The name of the message that a text is of; undefined when it is none of these texts, whole and unchanged. */
export function messageOf(text: string): string | undefined {
  const message = text.split('|', 1)[0] ?? '';
  return text === textOf(message) ? message : undefined;
}

/** Whose device it is. */
export function ownerOf(device: string): string {
  return device.split('.', 1)[0] ?? device;
}

/** The name of the chat of two people, the same on all of their devices; a group's is its own. */
export function chatOf(one: string, other: string): string {
  return isGroupName(other) ? other : [ownerOf(one), ownerOf(other)].sort().join('+');
}

/** The name of a group, the same for all of its members. */
export function groupNameOf(groupId: string): string {
  return `#${groupId.slice(0, 8).toLowerCase()}`;
}

/** Whether a chat, or the other side of one, is a group. */
export function isGroupName(name: string): boolean {
  return name.startsWith('#');
}

/** Which device wrote a message, and in which chat: its name says so. */
export function partiesOf(message: string): { readonly sender: string; readonly chat: string } {
  const [sender = '', to = ''] = (message.split(' ', 1)[0] ?? '').split('>');
  return { sender, chat: chatOf(sender, to) };
}
