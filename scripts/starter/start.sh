#!/bin/ash
# The starter image's first process: a web page on port 80, and log lines in colour on what happens.
grey='\033[90m' green='\033[32m' cyan='\033[36m' red='\033[31m' plain='\033[0m'
log() {
  printf "${grey}%s${plain} $1%-5s${plain} %s\n" "$(date -u +%H:%M:%S)" "$2" "$3"
}

stop() {
  log "$red" stop 'stopping, as asked'
  exit 0
}
# The first process of a container gets no default action for signals: what it does not handle is ignored.
trap stop TERM INT

requests() {
  while IFS= read -r line; do
    case $line in
      *url:*) log "$cyan" get "${line##*url:} from ${line%%: url:*}" ;;
      *response:[45]*) log "$red" error "status ${line##*response:}" ;;
    esac
  done
}

log "$green" start "hello from $(hostname)"
httpd -f -vv -p "${PORT:-80}" -h /www 2>&1 | requests &
log "$green" ready "the page is served on port ${PORT:-80}"

beats=0
while :; do
  # A trapped signal ends `wait` at once; it would not end a sleep in the foreground.
  sleep "${HEARTBEAT:-10}" &
  wait $!
  beats=$((beats + 1))
  log "$grey" beat "still here after $beats × ${HEARTBEAT:-10} s; memory free: $(awk '/MemAvailable/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo)"
done
