# Completion for bash. bash splits words at ":" and "=", which names and options hold: the line is
# split anew, and what is in front of the last of them is not given back.
_mytop_docker()
{
    local line=${COMP_LINE:0:COMP_POINT} words reply cur IFS=$' \t\n'
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[-1]}
    mapfile -t reply < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    COMPREPLY=()
    if [[ ${#reply[@]} -gt 0 && ${reply[-1]} == :files ]]; then
        unset 'reply[-1]'
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "${cur##*=}")
    fi
    reply=("${reply[@]%%$'\t'*}")
    [[ $cur == *[:=]* ]] && reply=("${reply[@]#"${cur%"${cur##*[:=]}"}"}")
    COMPREPLY+=("${reply[@]}")
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _mytop_docker mytop-docker
