# All three nodes read this file. What differs between them (node id, addresses) comes from the environment and the host name.

cluster_name = "compose"

cluster {
  secret_file = "/run/coffer/cluster.secret"
  data_dir    = "/var/lib/coffer"
}

storage "etcd" {
  address = "http://etcd:2379"
  path    = "coffer/"
}

listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "0.0.0.0:8201"
  tls_disable     = true # to look at only: between compose's own network and this machine
}
