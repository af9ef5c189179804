import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';

/** The compilers of the first server of this process, and what they have made since, by route and schema. */
interface Compiled {
  readonly validator: FastifySchemaCompiler<unknown>;
  readonly serializer: FastifySerializerCompiler<unknown>;
  readonly validators: Map<string, ReturnType<FastifySchemaCompiler<unknown>>>;
  readonly serializers: Map<string, ReturnType<FastifySerializerCompiler<unknown>>>;
}

let compiled: Compiled | undefined;

/**
 * Lets all servers of this process share their compiled schemas: they are the same in each, and compiling them is most of what a start costs.
 *
 * Call it when the server knows all schemas that others refer to.
 */
export function shareCompiledSchemas(app: FastifyInstance): void {
  const shared = compiled;
  if (shared === undefined) {
    app.addHook('onReady', async () => {
      const { validatorCompiler, serializerCompiler } = app;
      if (validatorCompiler === undefined || serializerCompiler === undefined) return;
      compiled ??= {
        validator: validatorCompiler,
        serializer: serializerCompiler,
        validators: new Map(),
        serializers: new Map(),
      };
    });
    return;
  }
  const { validator, serializer, validators, serializers } = shared;
  app.setValidatorCompiler((route) => remembered(validators, route, () => validator(route)));
  app.setSerializerCompiler((route) => remembered(serializers, route, () => serializer(route)));
}

function remembered<Made>(made: Map<string, Made>, route: object, make: () => Made): Made {
  const key = JSON.stringify(route);
  const known = made.get(key) ?? make();
  made.set(key, known);
  return known;
}
