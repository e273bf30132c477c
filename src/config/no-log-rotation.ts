/**
 * Why Vault's settings of log rotation do nothing here, whether keys or flags.
 *
 * @module
 */
export const NO_LOG_ROTATION = 'the log file is opened anew on SIGHUP: let logrotate move it';
