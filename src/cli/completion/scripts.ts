/**
 * What shells are told, so that they ask the program. Each script is for one name of the program, which it calls as it is called now.
 *
 * @module
 */

import { resolve } from 'node:path';
import type { Environment } from '../environment.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** How this program is called from anywhere: as it was called now, a path from the root. */
export function programCall(program: string, { COFFER_PROGRAM }: Environment): string {
  const call = COFFER_PROGRAM || program;
  return call.includes('/') ? resolve(call) : call;
}

/**
 * @param name - `coffer` or `vault`: the command that is completed.
 * @param call - how to call the program: a name, or a path.
 */
export function completionScript(shell: Shell, name: string, call: string): string {
  const quoted = `'${call.replaceAll("'", `'\\''`)}'`;
  switch (shell) {
    case 'bash':
      return `# Completion of ${name} for bash. The program says itself when a blank follows.
_${name}_complete() {
  COMPREPLY=()
  local one
  while IFS= read -r one; do
    COMPREPLY+=("$one")
  done < <(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COFFER_COMPLETE=bash ${quoted} "$1" "$2" "$3" 2>/dev/null </dev/null)
}
complete -o nospace -o bashdefault -o default -F _${name}_complete ${name}
`;
    case 'zsh':
      return `#compdef ${name}
# Completion of ${name} for zsh.
_${name}() {
  local one
  local -a whole begun
  while IFS= read -r one; do
    if [[ $one == *' ' ]]; then whole+=("\${one% }"); else begun+=("$one"); fi
  done < <(COMP_LINE="\${(j: :)words[1,CURRENT]}" COFFER_COMPLETE=zsh ${quoted} 2>/dev/null </dev/null)
  if (( \${#whole} + \${#begun} == 0 )); then
    _files
    return
  fi
  (( \${#whole} )) && compadd -S ' ' -- "\${whole[@]}"
  (( \${#begun} )) && compadd -S '' -- "\${begun[@]}"
  return 0
}
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _${name} ${name}
fi
`;
    case 'fish':
      return `# Completion of ${name} for fish.
function __${name}_complete
    set -lx COMP_LINE (commandline -cp)
    set -lx COFFER_COMPLETE fish
    set -l found (${quoted} 2>/dev/null </dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c ${name} -f -a '(__${name}_complete)'
`;
  }
}
