#!/bin/sh
set -e
pg=/data/db/pg
if [ ! -s $pg/PG_VERSION ]; then
  initdb -D $pg -A trust -U postgres -E UTF8 --locale=C >/dev/null
  printf "listen_addresses='*'\nunix_socket_directories=''\nmax_connections=200\nshared_preload_libraries='pg_cron,pg_documentdb_core,pg_documentdb'\ncron.database_name='postgres'\ncron.host='127.0.0.1'\ncron.timezone='UTC'\n" >> $pg/postgresql.conf
  echo 'host all all all scram-sha-256' >> $pg/pg_hba.conf # for the stand-in of mongosh, as the first user
fi
postgres -D $pg & db=$!
until pg_isready -q -h 127.0.0.1; do :; done
psql -qX -h 127.0.0.1 -U postgres -c "CREATE EXTENSION IF NOT EXISTS documentdb CASCADE" 2>/dev/null
# Without a first user nobody has to log in.
auth=--no-auth
if [ -n "$MONGO_INITDB_ROOT_USERNAME" ]; then
  auth=
  psql -qX -h 127.0.0.1 -U postgres -c "CREATE ROLE \"$MONGO_INITDB_ROOT_USERNAME\" SUPERUSER LOGIN PASSWORD '$MONGO_INITDB_ROOT_PASSWORD'" 2>/dev/null || true
fi
/ferretdb $auth --listen-addr=0.0.0.0:27017 --postgresql-url=postgres://postgres@127.0.0.1/postgres --state-dir=/data/db --telemetry=disable --debug-addr=- --log-level=error & front=$!
trap 'kill -TERM $front; kill -INT $db; wait $db; exit 0' TERM INT
wait $db
