// Made by `make manifests` from services/house.py and services/cli/deploy/compose: change it there.
//
// For mongosh: a user for each service, who reads and writes the service's own database and no other, with the password
// that `<SERVICE>_MONGODB_PASSWORD` says. Whoever is there already has it from now on. Others' users stay as they are.
const databases = {
  offers: "milesaga_offers",
  cart: "milesaga_cart",
  checkout: "milesaga_checkout",
  ticketing: "milesaga_ticketing",
  payment: "milesaga_payment",
  miles: "milesaga_miles",
  notifications: "milesaga_notifications",
  hub: "milesaga_hub",
  archive: "milesaga_archive",
  delivery: "milesaga_delivery",
  releases: "milesaga_releases",
};
const given = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const root = encodeURIComponent(given("MONGODB_PASSWORD"));
const admin = new Mongo(`mongodb://milesaga:${root}@mongodb:27017/?authSource=admin`).getDB("admin");
for (const [name, database] of Object.entries(databases)) {
  const rights = {
    pwd: given(`${name.toUpperCase()}_MONGODB_PASSWORD`),
    roles: [{ role: "readWrite", db: database }],
  };
  if (admin.getUser(name)) {
    admin.updateUser(name, rights);
  } else {
    admin.createUser({ user: name, ...rights });
  }
  print(`user ${name}: as described`);
}
