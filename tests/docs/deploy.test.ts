import { loadConfig } from '@sotto/relay-server';
import { describe, expect, it } from 'vitest';
// Comes with the tools of this repository (vite, typedoc): nothing of what is shipped reads YAML.
import { parseAllDocuments } from 'yaml';
import { read } from './pages.ts';

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

interface Container {
  readonly image: string;
  readonly command: readonly string[];
  readonly env: readonly Variable[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** What a file of YAML holds; whatever a parser has to say of it fails. */
function parsed(path: string): readonly unknown[] {
  return parseAllDocuments(read(path), { merge: true, strict: true, uniqueKeys: true }).map((document) => {
    expect([...document.errors, ...document.warnings].map(({ message }) => message)).toEqual([]);
    return document.toJS();
  });
}

/** An image as it is looked up wherever the operator's machines look: with no host of a registry. */
const plainImage = /^[a-z0-9-]+(\/[a-z0-9-]+)?(:[\w.]+)?$/;

const relaySettings = (environment: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith('SOTTO_')));

describe('the examples of deploy, which nobody started', () => {
  it('compose.yaml: settings that the relay takes, names that are there', () => {
    const [compose] = parsed('deploy/compose.yaml') as readonly Compose[];
    const { services = {}, volumes = {} } = compose ?? {};
    expect(Object.keys(services)).toEqual(['migrate', 'relay-1', 'relay-2', 'kafka', 'cassandra', 'redis', 's3']);
    const hosts = new Set<string>();
    for (const [name, { image, environment = {}, depends_on = {}, volumes: mounts = [] }] of Object.entries(services)) {
      expect([name, image]).toEqual([name, expect.stringMatching(plainImage)]);
      expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(depends_on)));
      for (const mount of mounts) {
        const source = mount.split(':')[0] ?? '';
        expect(source === './secrets' || source in volumes).toBe(true);
      }
      if (image !== 'sotto-relay') continue;
      for (const value of Object.values(environment)) expect(typeof value).toBe('string');
      const config = loadConfig({ environment: relaySettings(environment) });
      expect(config.store).toBe('cluster');
      if (name !== 'migrate') hosts.add(config.cluster.host);
      for (const broker of config.kafka.brokers) expect(services).toHaveProperty(broker.split(':')[0] ?? '');
      for (const host of config.cassandra.contactPoints) expect(services).toHaveProperty(host);
      expect(services).toHaveProperty(new URL(config.redis.url).hostname);
      expect(services).toHaveProperty(new URL(config.blobs.s3.endpoint).hostname);
      expect(config.cluster.certificateFile).toBe(`/run/sotto/${config.cluster.host}.pem`);
    }
    expect(hosts).toEqual(new Set(['relay-1', 'relay-2']));
  });

  it('kubernetes.yaml: settings that the relay takes, names that are there', () => {
    const manifests = parsed('deploy/kubernetes.yaml') as readonly Manifest[];
    expect(manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      'v1 ConfigMap',
      'v1 Service',
      'v1 Service',
      'policy/v1 PodDisruptionBudget',
      'apps/v1 StatefulSet',
    ]);
    const [settings, nodes, clients, , set] = manifests;
    const text = settings?.data?.['relay.json'] ?? '';
    const pods = set?.spec?.template as {
      readonly metadata: { readonly labels: unknown };
      readonly spec: {
        readonly initContainers: readonly Container[];
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
      };
    };
    const { labels } = pods.metadata;
    expect(set?.spec?.selector).toEqual({ matchLabels: labels });
    for (const service of [nodes, clients]) expect(service?.spec?.selector).toEqual(labels);
    expect(set?.spec?.serviceName).toBe(nodes?.metadata.name);
    const { initContainers, containers, volumes } = pods.spec;
    expect(volumes.map(({ configMap }) => configMap?.name)).toContain(settings?.metadata.name);
    const all = [...initContainers, ...containers];
    expect(all.map(({ command }) => command.includes('migrate'))).toEqual([true, false]);
    for (const { image, command, env, volumeMounts } of all) {
      expect(image).toMatch(plainImage);
      for (const { name } of volumeMounts) expect(volumes.map((volume) => volume.name)).toContain(name);
      // Secrets stand in no file: the relay is told them by its environment.
      for (const { name, valueFrom } of env) {
        if (/PASSWORD|SECRET/.test(name)) expect(valueFrom).toMatchObject({ secretKeyRef: { name: 'sotto' } });
      }
      const environment = Object.fromEntries(
        env.map(({ name, value = 'at least sixteen characters' }) => [
          name,
          value.replaceAll('$(POD_NAME)', 'sotto-relay-0'),
        ]),
      );
      const file = { path: command.at(-1) ?? '', text };
      const config = loadConfig({ file, environment: relaySettings(environment) });
      expect(config.store).toBe('cluster');
      expect(config.cluster.host).toBe(`sotto-relay-0.${nodes?.metadata.name}`);
      expect(config.kafka.replicas).toBe(3);
    }
  });
});
