import type { Client, DeviceId } from '@sotto/sdk';
import { cleanLine } from '../text/clean-text.ts';
import type { Command, CommandOutput } from './command.ts';
import { CommandError } from './command-line.ts';

/** The devices of the own account. */
export const deviceCommands: Readonly<Record<string, Command>> = {
  devices: {
    usage: ':devices',
    says: 'your devices',
    run: ({ client }) => listOf(client),
  },
  link: {
    usage: ':link CODE',
    says: 'lets the device in that shows this code',
    async run({ client }, [code = '', answer = '']) {
      let name = '';
      const linked = await client.devices.link(code, {
        confirm: (device) => {
          name = cleanLine(device.name);
          return answer === 'yes';
        },
      });
      if (linked !== undefined)
        return { title: 'Devices', lines: [`${name} is let in, as device ${linked.deviceId}.`] };
      return {
        title: 'Devices',
        lines: [
          `A device that calls itself ${name} wants to read and write as you.`,
          'Only if it is yours and before you, say the same with yes behind the code:',
          `:link ${code} yes`,
        ],
      };
    },
  },
  rename: {
    usage: ':rename NUMBER NAME',
    says: 'gives a device another name',
    async run({ client }, [number, ...words]) {
      await client.devices.rename(deviceIdOf(number), words.join(' '));
      return listOf(client);
    },
  },
  revoke: {
    usage: ':revoke NUMBER',
    says: 'takes a device out of your account',
    async run({ client }, [number]) {
      const id = deviceIdOf(number);
      const isPrimary = (await client.devices.list()).some(({ deviceId, primary }) => primary && deviceId === id);
      if (isPrimary)
        throw new CommandError('the first device can not be taken out: it is the one that takes out others');
      await client.devices.revoke(id);
      return listOf(client);
    },
  },
};

function deviceIdOf(text: string | undefined): DeviceId {
  const id = Number(text);
  if (!Number.isInteger(id) || id < 1) throw new CommandError('say which device, by its number in :devices');
  return id as DeviceId;
}

async function listOf(client: Client): Promise<CommandOutput> {
  const devices = await client.devices.list();
  const lines = devices.map(({ deviceId, name, primary, current, lastSeenAt }) => {
    const what = [primary ? 'the first one' : '', current ? 'this one' : ''].filter((word) => word !== '').join(', ');
    const seen =
      lastSeenAt === undefined || current ? '' : `, connected on ${new Date(lastSeenAt).toLocaleDateString()}`;
    return `${deviceId}  ${cleanLine(name) || 'without a name'}${what === '' ? '' : ` (${what})`}${seen}`;
  });
  return { title: 'Devices', lines };
}
