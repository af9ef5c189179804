import type { ClusterMailParts } from '../dispatch/cluster-mail.ts';
import type { Counter, Metrics } from '../ports/metrics.ts';
import type { NodeLink, NodeReply } from '../ports/node-link.ts';

/** What the mail of a node tells as it happens. */
export type MailCounts = Required<
  Pick<ClusterMailParts, 'delivered' | 'resolved' | 'handedOver' | 'read'> & {
    /** The link with its requests counted. */
    readonly counted: (link: NodeLink) => NodeLink;
  }
>;

/** Counters of what one node of a cluster hands out. No label tells a device, a node or a partition. */
export function mailCounts(metrics: Metrics): MailCounts {
  const handOvers = counters(metrics, 'relay_hand_overs_total', 'Hand-overs to the node of a device', 'outcome');
  const resolved = counters(metrics, 'relay_mail_resolved_total', 'Mail that is done with for a device', 'how');
  const delivered = counters(metrics, 'relay_mail_delivered_total', 'Mail given to open streams', 'from');
  const requests = counters(metrics, 'relay_node_requests_total', 'Requests to nodes', 'outcome');
  const readings = metrics.counter('relay_pending_readings_total', 'Readings of what waits for a device');
  for (const how of ['acked', 'spilled', 'expired']) resolved(how);
  for (const from of ['live', 'pending']) delivered(from);
  return {
    handedOver: (outcome) => handOvers(outcome).add(1),
    resolved: (_lane, _device, _ko, how) => resolved(how).add(1),
    delivered: (_device, _key, live) => delivered(live ? 'live' : 'pending').add(1),
    read: () => readings.add(1),
    counted: (link) => countedLink(link, (outcome) => requests(outcome).add(1)),
  };
}

/** A counter for each value of a label, made when it is first wanted. */
function counters(metrics: Metrics, name: string, description: string, label: string): (value: string) => Counter {
  const made = new Map<string, Counter>();
  return (value) => {
    const counter = made.get(value) ?? metrics.counter(name, description, { [label]: value });
    made.set(value, counter);
    return counter;
  };
}

function countedLink(link: NodeLink, count: (outcome: NodeReply['status'] | 'given-up') => void): NodeLink {
  return {
    get node() {
      return link.node;
    },
    async request(node, message, options) {
      try {
        const reply = await link.request(node, message, options);
        count(reply.status);
        return reply;
      } catch (error) {
        count('given-up');
        throw error;
      }
    },
    tell: (node, message) => link.tell(node, message),
    serve: (handler) => link.serve(handler),
    close: () => link.close(),
  };
}
