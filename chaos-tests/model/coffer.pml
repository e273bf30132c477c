/* The core of the protocol as SPIN checks it: one actor (one record), N nodes, ownership by view, fencing,
 * grants, drain, eviction. Time is a tick that any number of steps may pass between: a node that does nothing while ticks
 * go by is paused, stalled or SIGSTOPped. Deadlines are kept as what is left of them, so time is unbounded.
 * Each rule can be dropped by one -DNO_... flag; every flag must give a counterexample (runs.ts lists them). */
#ifndef N
#define N 2          /* nodes */
#endif
#ifndef MAXV
#define MAXV 2       /* versions written */
#endif
#ifndef MAXE
#define MAXE 3       /* epochs used, proposals and cancelled ones included */
#endif
#ifndef MAXF
#define MAXF 3       /* claims of the fence */
#endif
#define D 2          /* session: served until D after the beat was sent */
#ifndef G
#define G 2          /* longest grant */
#endif
#ifdef DRIFT         /* node 0's clock runs at 2/3 of true time; the observer's at true time: stretch 3/2 */
# ifdef NO_STRETCH
#  define W D
#  define STRETCH(l) (l)
# else
#  define W 3
#  define STRETCH(l) ((3*(l)+1)/2)
# endif
#else
# define W D
# define STRETCH(l) (l)
#endif
#define GMAX 3

/* coordinator */
byte epoch = 1, owner = 0, last = 1, prep = 0, prepOwner = 0;
bit rec[N]; byte age[N];              /* member record; ticks since the coordinator took its last beat (clamped) */
/* store */
byte stored = 0, fver = 0, fE = 0;        /* record's version; fence's version and epoch */
/* node */
bit nOwn[N], loaded[N], w[N];
#ifdef SLOW_BEATS
byte bst[N], sAge[N];
#endif
byte nE[N], nPrep[N], ack[N], d[N], fv[N], clv[N], clE[N], ver[N];
byte cst[N], cf[N], cv[N];     /* commit: 0 none, 1 in the network, 2 done, 3 refused */
byte gp[N], gf[N], gv[N];      /* a commit given up on that may still arrive (ghost) */
/* grants: owner i, holder h at [i*N+h] */
byte g[N*N], inv[N*N], iack[N*N];  /* message: 0 none, 1 about the grant that runs, 2 about one before it */
byte rv[N], rver[N], rfrom[N];        /* the replica: ticks left, version, from whom */
bit as[N]; byte ato[N], aver[N], aLeft[N];
/* checker */
byte hi = 0; bit acked[MAXV+1];
#ifdef DRIFT
byte phase = 0;
#endif

#define X(i,h) ((i)*N+(h))
#if N == 2
# define NOGRANTS(i) (g[X(i,0)]==0 && g[X(i,1)]==0)
#else
# define NOGRANTS(i) (g[X(i,0)]==0 && g[X(i,1)]==0 && g[X(i,2)]==0)
#endif
#ifdef NO_OWNER_DEADLINE
# define INTIME(i) true
#else
# define INTIME(i) (d[i] > 0)
#endif
#ifdef NO_DRAIN_GRANTS
# define DRAINED(i) true
#else
# define DRAINED(i) NOGRANTS(i)
#endif
#ifdef NO_RELOAD_WAIT
# define RELOADABLE(i) true
#else
# define RELOADABLE(i) NOGRANTS(i)
#endif
#ifdef NO_AWAIT_INVALIDATION
# define INVALIDATED(i) true
#else
# define INVALIDATED(i) NOGRANTS(i)
#endif
#ifdef NO_EVICT_WAIT
# define SILENT(j) true
#else
# define SILENT(j) (age[j] >= W)
#endif
#ifdef NO_DRAIN
# define DRAIN_ACKED true
#else
# define DRAIN_ACKED (ack[owner] == prep)
#endif
#ifdef NO_FENCE
# define FENCE_HOLDS(f) true
#else
# define FENCE_HOLDS(f) (fver == f)
#endif
#ifdef NO_VERSION
# define VERSION_HOLDS(v) true
#else
# define VERSION_HOLDS(v) (stored == v)
#endif
#ifdef SLOW_BEATS
# define NOBEAT(i) bst[i] = 0; sAge[i] = 0
# define AGEBEAT(j) if :: bst[j] > 0 && sAge[j] < D -> sAge[j]++ :: else fi
#else
# define NOBEAT(i) skip
# define AGEBEAT(j) skip
#endif
#ifdef NO_ASKED_TIME
# define AGEASK(j) skip
#else
# define AGEASK(j) DEC(aLeft[j])
#endif
#define DEC(x) if :: x > 0 -> x-- :: else fi

inline answer(v) { assert(v >= hi); if :: v > hi -> hi = v :: else fi }    /* no stale read, no going back */

inline stop(i) {                       /* forget all that memory holds; what is in the network stays there */
  if :: cst[i] == 1 && gp[i] == 0 -> gp[i] = 1; gf[i] = cf[i]; gv[i] = cv[i] :: else fi;
  cst[i] = 0; cf[i] = 0; cv[i] = 0; w[i] = 0; loaded[i] = 0; ver[i] = 0; fv[i] = 0; nOwn[i] = 0; nPrep[i] = 0;
  k = 0; do :: k < N -> g[X(i,k)] = 0; inv[X(i,k)] = 0; iack[X(i,k)] = 0; k++ :: else -> break od; k = 0
}
inline wipe(i) {
  stop(i); d[i] = 0; NOBEAT(i); nE[i] = 0; ack[i] = 0; rv[i] = 0; rver[i] = 0; rfrom[i] = 0;
  as[i] = 0; aver[i] = 0; aLeft[i] = 0; ato[i] = 0
}
inline store(fence, cond, out) {   /* one atomic step of the store */
  if
  :: FENCE_HOLDS(fence) && VERSION_HOLDS(cond) -> assert(acked[cond+1] == 0);          /* an acknowledged write is never overwritten */
          assert(cond+1 >= hi); stored = cond+1; out = 2
  :: else -> out = 3
  fi
}

inline prune() {                       /* what can no longer take effect need not be remembered */
  k = 0;
  do
  :: k < N -> if :: gp[k] && !(FENCE_HOLDS(gf[k]) && VERSION_HOLDS(gv[k])) -> gp[k] = 0; gf[k] = 0; gv[k] = 0 :: else fi;
              if :: clv[k] > 0 && fver != clv[k]-1 -> clv[k] = 0; clE[k] = 0 :: else fi; k++
  :: else -> break
  od; k = 0
}
proctype Node(byte i) {
  byte k = 0, l = 0;
  do
  /* ---- session. A beat is sent, taken and answered in one step: any delay only shortens what d allows (d counts from the
     sending) or lets the observer's clock start later. With -DSLOW_BEATS the answer comes any time after. */
#ifdef SLOW_BEATS
  :: atomic { rec[i] && bst[i] == 0 -> bst[i] = 1; sAge[i] = 0; age[i] = 0 }
  :: atomic { bst[i] == 1 -> bst[i] = 0;
#ifdef NO_SENT_TIME
       d[i] = D;
#else
       if :: D - sAge[i] > d[i] -> d[i] = D - sAge[i] :: else fi;
#endif
       sAge[i] = 0 }
#else
  :: atomic { rec[i] && (d[i] < D || age[i] > 0) -> d[i] = D; age[i] = 0 }
#endif
  /* ---- evicted: comes back as a new incarnation. A crash is a node that takes no step from then until here. */
  :: atomic { !rec[i] -> wipe(i); rec[i] = 1; age[i] = 0 }
  /* ---- it learns the view */
  :: atomic { (nE[i] != epoch || nOwn[i] != (owner == i) || nPrep[i] != ((owner == i && prep > 0) -> prep : 0)) ->
       nE[i] = epoch;
       if :: owner == i && rec[i] -> nOwn[i] = 1; nPrep[i] = prep
          :: else -> stop(i) fi }
  /* ---- drain, then acknowledge */
  :: atomic { nPrep[i] > 0 && ack[i] != nPrep[i] && w[i] == 0 && DRAINED(i) -> loaded[i] = 0; ver[i] = 0; fv[i] = 0; ack[i] = nPrep[i] }
  /* ---- claim the shard's fence (read, then conditional write), load after it */
  :: atomic { nOwn[i] && nPrep[i] == 0 && fv[i] == 0 && clv[i] == 0 && fE <= nE[i] && fver < MAXF -> clv[i] = fver+1; clE[i] = nE[i] }
  :: atomic { clv[i] > 0 -> if :: fver == clv[i]-1 -> fver++; fE = clE[i];
                                  if :: nOwn[i] && fv[i] == 0 && nE[i] == clE[i] && nPrep[i] == 0 -> fv[i] = fver :: else fi
                             :: else fi; clv[i] = 0; clE[i] = 0; prune() }
  :: atomic { nOwn[i] && fv[i] > 0 && !loaded[i] && nPrep[i] == 0 && cst[i] == 0 && RELOADABLE(i) -> ver[i] = stored; loaded[i] = 1 }
  /* ---- write: commit and invalidations start together; acknowledged when both are done */
  :: atomic { nOwn[i] && loaded[i] && nPrep[i] == 0 && w[i] == 0 && ver[i] < MAXV ->
       w[i] = 1; cst[i] = 1; cf[i] = fv[i]; cv[i] = ver[i] }
  :: atomic { cst[i] == 1 -> store(cf[i], cv[i], cst[i]); cf[i] = 0; if :: cst[i] == 3 -> cv[i] = 0 :: else fi; prune() }
  :: atomic { gp[i] == 1 -> store(gf[i], gv[i], gp[i]); gp[i] = 0; gf[i] = 0; gv[i] = 0; prune() }
  :: atomic { w[i] && cst[i] == 2 && INVALIDATED(i) ->
       assert(acked[cv[i]+1] == 0);        /* no two acknowledged writes on one version */
       acked[cv[i]+1] = 1; ver[i] = cv[i]+1; if :: ver[i] > hi -> hi = ver[i] :: else fi;
       w[i] = 0; cst[i] = 0; cf[i] = 0; cv[i] = 0 }
  :: atomic { w[i] && cst[i] == 3 -> w[i] = 0; cst[i] = 0; cf[i] = 0; cv[i] = 0; loaded[i] = 0; ver[i] = 0;
       if :: fver != fv[i] -> fv[i] = 0 :: else fi }
  :: atomic { w[i] && cst[i] == 1 && gp[i] == 0 ->                       /* outcome unknown: reload */
       gp[i] = 1; gf[i] = cf[i]; gv[i] = cv[i];
       w[i] = 0; cst[i] = 0; cf[i] = 0; cv[i] = 0; loaded[i] = 0; ver[i] = 0 }
  /* ---- reads: from the owner's memory (old value until the write is acknowledged), from a replica */
  :: atomic { nOwn[i] && loaded[i] && INTIME(i) -> answer(ver[i]) }
  :: atomic { rv[i] > 0 -> answer(rver[i]) }
  /* ---- grants, as the holder. Asking and granting are one step (asking earlier only ends the replica earlier);
     the reply is delayed at will and may be passed by an invalidation. */
  :: atomic { as[i] ->
       l = aLeft[i];
       if :: l > 0 -> rv[i] = l; rver[i] = aver[i]; rfrom[i] = ato[i] :: else fi;
       l = 0; as[i] = 0; ato[i] = 0; aver[i] = 0; aLeft[i] = 0 }
  :: atomic { as[i] -> as[i] = 0; ato[i] = 0; aver[i] = 0; aLeft[i] = 0 }     /* lost, or no longer wanted */
  :: atomic { inv[X((i+1)%N,i)] > 0 -> l = (i+1)%N; iack[X(l,i)] = inv[X(l,i)]; inv[X(l,i)] = 0;
       if :: rv[i] > 0 && rfrom[i] == l -> rv[i] = 0; rver[i] = 0; rfrom[i] = 0 :: else fi;
#ifndef NO_POISON
       if :: as[i] && ato[i] == l -> as[i] = 0; ato[i] = 0; aver[i] = 0; aLeft[i] = 0 :: else fi;
#endif
       l = 0 }
#if N == 3
  :: atomic { inv[X((i+2)%N,i)] > 0 -> l = (i+2)%N; iack[X(l,i)] = inv[X(l,i)]; inv[X(l,i)] = 0;
       if :: rv[i] > 0 && rfrom[i] == l -> rv[i] = 0; rver[i] = 0; rfrom[i] = 0 :: else fi;
#ifndef NO_POISON
       if :: as[i] && ato[i] == l -> as[i] = 0; ato[i] = 0; aver[i] = 0; aLeft[i] = 0 :: else fi;
#endif
       l = 0 }
#endif
  /* ---- grants, as the owner, towards the next (and the one after the next) node */
#define GRANT(h) \
  :: atomic { !as[h] && nOwn[i] && loaded[i] && INTIME(i) && w[i] == 0 && nPrep[i] == 0 -> \
       LTERM; if :: inv[X(i,h)] == 1 -> inv[X(i,h)] = 2 :: else fi; OLDACK(h); \
       if :: STRETCH(l) > g[X(i,h)] -> g[X(i,h)] = STRETCH(l) :: else fi; \
       as[h] = 1; ato[h] = i; aver[h] = ver[i]; aLeft[h] = l; l = 0 } \
  :: atomic { g[X(i,h)] > 0 && inv[X(i,h)] != 1 && (w[i] || nPrep[i] > 0 || !loaded[i]) -> inv[X(i,h)] = 1 } \
  :: atomic { iack[X(i,h)] > 0 -> if :: ACKMATCH(h) -> g[X(i,h)] = 0 :: else fi; iack[X(i,h)] = 0 }
#ifdef NO_OWNER_CAP
# define LTERM l = G
#else
# define LTERM if :: d[i] < G -> l = d[i] :: else -> l = G fi
#endif
#ifdef NO_ACK_MATCH
# define OLDACK(h) skip
# define ACKMATCH(h) true
#else
# define OLDACK(h) iack[X(i,h)] = 0     /* names an older grant: will not be heeded */
# define ACKMATCH(h) (iack[X(i,h)] == 1)
#endif
  GRANT((i+1)%N)
#if N == 3
  GRANT((i+2)%N)
#endif
  od
}

proctype Env() {                       /* the keeper, whoever it is, and time */
  byte j = 0, m = 0;
  do
  :: d_step {                          /* tick */
       j = 0;
       do :: j < N ->
#ifdef DRIFT
          if :: !(j == 0 && phase == 2) ->
#endif
             DEC(d[j]); DEC(rv[j]);
             AGEBEAT(j);
             AGEASK(j);
             m = 0; do :: m < N -> DEC(g[X(j,m)]); m++ :: else -> break od;
#ifdef DRIFT
          :: else fi;
#endif
          if :: rec[j] && age[j] < W -> age[j]++ :: else fi;
          j++
       :: else -> break od; j = 0; m = 0;
#ifdef DRIFT
       phase = (phase+1)%3;
#endif
     }
  :: atomic { last < MAXE ->           /* evict: no beat for W; record and view change in one transaction */
       if :: j = 0 :: j = 1
#if N == 3
          :: j = 2
#endif
       fi;
       if :: m = (j+1)%N
#if N == 3
          :: m = (j+2)%N
#endif
       fi;
       if :: rec[j] && rec[m] && SILENT(j) -> rec[j] = 0; age[j] = 0; last++; epoch = last; prep = 0; prepOwner = 0;
                if :: owner == j -> owner = m :: else fi
          :: else -> skip fi; j = 0; m = 0 }
  :: atomic { prep == 0 && last < MAXE ->                                /* prepare a move, numbers are never used twice */
       if :: j = (owner+1)%N
#if N == 3
          :: j = (owner+2)%N
#endif
       fi;
       if :: rec[j] -> last++; prep = last; prepOwner = j :: else -> skip fi; j = 0 }
  :: atomic { prep > 0 && DRAIN_ACKED -> epoch = prep; owner = prepOwner; prep = 0; prepOwner = 0 }      /* activate */
  :: atomic { prep > 0 -> prep = 0; prepOwner = 0 }                      /* cancel */
  od
}

init {
  atomic {
    byte i = 0;
    do :: i < N -> rec[i] = 1; run Node(i); i++ :: else -> break od;
    i = 0; run Env()
  }
}
