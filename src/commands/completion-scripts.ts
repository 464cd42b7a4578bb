/**
 * What a shell runs to complete a command line. Each asks `bankctl __complete SHELL …`, which
 * answers one line each: how to go on (`words`, `nospace`, `files`), the candidates, a full stop.
 */
export const completionScripts = {
  bash: `# bankctl completion for bash. In ~/.bashrc:  source <(bankctl completion bash)
_bankctl() {
  local line manner=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $manner ]]; then
      manner=$line
    elif [[ $line == . ]]; then
      break
    else
      COMPREPLY+=("$line")
    fi
  done < <(command bankctl __complete bash "\${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
  case $manner in
    files) compopt -o default 2>/dev/null ;;
    nospace) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -o nosort -F _bankctl bankctl 2>/dev/null || complete -F _bankctl bankctl`,

  zsh: `#compdef bankctl
# bankctl completion for zsh. In ~/.zshrc, after compinit:  source <(bankctl completion zsh)
_bankctl() {
  local line manner= tab=$'\\t'
  local -a before values shown
  before=("\${(@Q)words[2,CURRENT-1]}")
  (( CURRENT > 2 )) || before=()
  while IFS= read -r line; do
    if [[ -z $manner ]]; then
      manner=$line
    elif [[ $line == . ]]; then
      break
    else
      values+=("\${line%%$tab*}")
      shown+=("\${line/$tab/  -- }")
    fi
  done < <(command bankctl __complete zsh "\${before[@]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)
  case $manner in
    files)
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      ;;
    nospace) compadd -S '' -l -d shown -- "\${values[@]}" ;;
    words) compadd -l -d shown -- "\${values[@]}" ;;
  esac
}
if (( ! \${+functions[compdef]} )); then
  autoload -Uz compinit && compinit
fi
if [[ $funcstack[1] == _bankctl ]]; then
  _bankctl "$@"
else
  compdef _bankctl bankctl
fi`,

  fish: `# bankctl completion for fish.
# In ~/.config/fish/config.fish:  bankctl completion fish | source
function __bankctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command bankctl __complete fish $words[2..-1] "$current" 2>/dev/null </dev/null)
    switch "$answer[1]"
        case files
            __fish_complete_path $current
        case words nospace
            test (count $answer) -gt 2; and printf '%s\\n' $answer[2..-2]
    end
end
complete -c bankctl -f -k -a '(__bankctl_complete)'`,
} as const satisfies Readonly<Record<string, string>>;
