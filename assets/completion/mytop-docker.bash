# Completion for bash. bash splits words at ":" and "=", which names and options hold: the line is
# split anew, and what is in front of the last of them is not given back. Words among files are not
# quoted as those are, so a directory gets its slash here.
_mytop_docker()
{
    local line=${COMP_LINE:0:COMP_POINT} words reply cur i IFS=$' \t\n'
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[-1]}
    mapfile -t reply < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    COMPREPLY=()
    if [[ ${#reply[@]} -gt 0 && ${reply[-1]} == :files ]]; then
        unset 'reply[-1]'
        mapfile -t COMPREPLY < <(compgen -f -- "${cur##*=}")
    fi
    reply=("${reply[@]%%$'\t'*}")
    [[ $cur == *[:=]* ]] && reply=("${reply[@]#"${cur%"${cur##*[:=]}"}"}")
    if [[ ${#reply[@]} -eq 0 ]]; then
        compopt -o filenames 2>/dev/null
    else
        for i in "${!COMPREPLY[@]}"; do
            [[ -d ${COMPREPLY[i]} ]] && COMPREPLY[i]+=/
        done
        COMPREPLY+=("${reply[@]}")
        [[ ${COMPREPLY[*]} == *[=:/] ]] && compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _mytop_docker mytop-docker
