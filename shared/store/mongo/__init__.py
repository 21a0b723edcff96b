"""The document store on MongoDB, whose driver is named in this folder alone."""

from shared.store.mongo.store import MongoStore, database_name, motor_client, pymongo_client

__all__ = ["MongoStore", "database_name", "motor_client", "pymongo_client"]
