/**
 * How much this node logs, by the names in its log, and its log as it is written (contract §2.12). Each node has its own.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { type LogLevel, type LogLevels, parseLogFormat, parseLogLevel } from '../../model/log.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';

const NAME = { name: p.string('Name in the log, such as "audit".', { absent: '' }) };
const LEVEL = { level: p.string('trace, debug, info, warn or error.') };

export function loggerRoutes(core: SystemCore): Record<string, Route> {
  return {
    loggers: {
      read: operation({
        summary: 'Shows how much is logged under each name.',
        params: {},
        run: () => ({ data: Object.fromEntries(core.logs.levels.all()) }),
      }),
      update: operation({
        summary: 'Sets how much is logged, under all names.',
        params: LEVEL,
        run({ level }) {
          core.logs.levels.set(levelGiven(level));
          return {};
        },
      }),
      delete: operation({
        summary: 'Logs as much as the configuration says, under all names.',
        params: {},
        run() {
          core.logs.levels.set(core.logs.levels.configured());
          return {};
        },
      }),
    },
    'loggers/:name': {
      read: operation({
        summary: 'Shows how much is logged under a name.',
        params: NAME,
        run(_params, { captures: { name = '' } }) {
          const level = core.logs.levels.all().get(name);
          return { data: level === undefined ? {} : { [name]: level } };
        },
      }),
      update: operation({
        summary: 'Sets how much is logged under a name.',
        params: { ...NAME, ...LEVEL },
        run: ({ level }, { captures: { name = '' } }) => setOne(core.logs.levels, name, levelGiven(level)),
      }),
      delete: operation({
        summary: 'Logs as much as the configuration says, under a name.',
        params: NAME,
        run: (_params, { captures: { name = '' } }) =>
          setOne(core.logs.levels, name, core.logs.levels.configured()),
      }),
    },
  };
}

function levelGiven(text: string | undefined): LogLevel {
  if (text === undefined) throw badRequest('level is required');
  if (text === '') throw badRequest('level is empty');
  const level = parseLogLevel(text);
  if (!level) throw badRequest('invalid level provided: unknown log level');
  return level;
}

function setOne(levels: LogLevels, name: string, level: LogLevel): Record<string, never> {
  if (!levels.setOne(name, level)) throw badRequest(`logger ${JSON.stringify(name)} not found`);
  return {};
}

export function monitorRoutes(core: SystemCore): Record<string, Route> {
  return {
    monitor: {
      read: operation({
        summary: 'Sends the log of this node as it is written.',
        params: {
          log_level: p.string('From which level on.', { absent: '' }),
          log_format: p.string('"standard" or "json".', { absent: 'standard' }),
        },
        run({ log_level, log_format }, { stillGood }) {
          const level = log_level === '' ? 'info' : parseLogLevel(log_level);
          if (!level) throw badRequest('unknown log level');
          const format = log_format === '' ? undefined : parseLogFormat(log_format);
          if (!format) throw badRequest('unknown log format');
          return { stream: core.logs.monitor({ level, format, stillGood }) };
        },
      }),
    },
  };
}
