/** The commented config file that `bankctl init` writes: the built-in config, spelled out. */
export const configTemplate = `# The branches of the bank, and the collection of each.
# Read once at the start of every command, validated, never changed by a program.

# The database that holds the branches and the journal. A URI must name the same one, or none.
database: bank

# ISO 4217. Its minor digits bound every amount: 2 for USD, 0 for JPY, 3 for KWD.
currency: USD

# The collection of applied operations, append-only. false does without it, and so without
# transactions, history and --id: only for a standalone server.
journal: journal

# The time zone of reports, for example Europe/Paris: a bare date is that whole day there.
timezone: UTC

# A deployment to use instead of the local database. A password does not belong in this file:
# put such a URI in BANKCTL_URI, or in a file of its own and name it with --uri-file.
# uri: mongodb://db1.example.net,db2.example.net/?replicaSet=rs0

branches:
  branch1:
    collection: branch1
    # title: Main Street
    # currency: EUR             # where it differs from the bank's
    # minBalance: "-100.00"     # in quotes; "0" where it is left out
  branch2:
    collection: branch2
`;
