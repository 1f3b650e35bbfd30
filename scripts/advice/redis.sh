#!/bin/sh
# A redis that was full, is emptied key by key, and goes on idle. ADVICE=purge: MEMORY PURGE after that.
port=7399
folder=$(mktemp -d)
redis-server --port "$port" --bind 127.0.0.1 --save '' --enable-debug-command yes --dir "$folder" --daemonize no >/dev/null 2>&1 &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
ask() { redis-cli -p "$port" "$@" >/dev/null 2>&1; }
until ask ping; do sleep 0.1; done
ask debug populate 1500000 key 300
redis-cli -p "$port" eval 'for i = 30000, 1499999 do redis.call("del", "key:" .. i) end' 0 >/dev/null
[ "$ADVICE" = purge ] && ask memory purge
sleep 15
