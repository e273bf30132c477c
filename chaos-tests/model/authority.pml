/* protocol §8 and §10: a request authorized at entry node E (by a replica of token T under a link from T's owner, and by a
 * catalog section) runs at owner O. Nothing may start at O after the revocation, or the catalog change, has returned.
 * The catalog's owner C waits for E and O, or for E to be out of the view (its deadline passed, as §2 proves). */
#define G 2
byte lk = 0, tk = 0;                   /* link: what E may still use, what T's owner counts */
byte reply = 0; bit replyOn = 0;       /* heartbeat answer under way, and what is left of its term (counted from asking) */
byte dE = 2; bit inView = 1;           /* E's session */
byte dl = 0;                           /* how long O's last stamp took to reach E */
bit has = 0, ended = 0, endMsg = 0, ackMsg = 0;   /* E's replica; E was told; messages */
byte revoke = 0;                       /* 0 no, 1 committed, 2 returned */
byte m = 0, by = 0; bit mSeq = 0;      /* request: 0 none, 1 under way, 2 started, 3 answered */
bit seqE = 0, seqO = 0, seqC = 0; byte change = 0;    /* section: applied at E, at O, committed; 0 no, 1 waiting, 2 returned */
#ifdef NO_BY
# define INTIME true
#else
# define INTIME (by > 0)
#endif
#ifdef NO_PIN
# define UNPINNED true
#else
# define UNPINNED (m == 0 || m == 3 || by == 0)
#endif
#ifdef NO_CLAIMS
# define CURRENT true
#else
# define CURRENT (seqO <= mSeq)
#endif
#ifdef NO_STAMP
# define BY(v) (v)
#else
# define BY(v) ((v) > dl -> (v) - dl : 0)
#endif
#define MIN(a,b) ((a) < (b) -> (a) : (b))
#define DEC(x) if :: x > 0 -> x-- :: else fi
active proctype All() {
  do
  /* time */
#ifdef NO_STAMP                        /* the term is counted from arrival at O: it does not run on the way */
  :: d_step { DEC(lk); DEC(tk); DEC(reply); DEC(dE); if :: m != 1 -> DEC(by) :: else fi }
#else
  :: d_step { DEC(lk); DEC(tk); DEC(reply); DEC(dE); DEC(by) }
#endif
  /* E's session, eviction */
  :: inView -> dE = 2
  :: atomic { inView && dE == 0 -> inView = 0 }
  /* link from T's owner: one answer at a time; none once the revocation's `end` is owed too long (left out: tk just runs on) */
  :: atomic { !replyOn && revoke == 0 -> replyOn = 1; reply = G; tk = G; has = 1 }
  :: atomic { replyOn && reply > lk && !ended -> lk = reply; replyOn = 0; reply = 0 }
  :: atomic { replyOn -> replyOn = 0; reply = 0 }
  /* O's stamps reach E */
  :: dl = 0 :: dl = 1 :: dl = 2
  /* E authorizes and sends */
  :: atomic { m == 0 && has && !ended && lk > 0 && dE > 0 -> m = 1; by = BY(MIN(lk, dE)); mSeq = seqE }
  /* O starts, E has the answer */
  :: atomic { m == 1 && INTIME && CURRENT -> assert(revoke != 2); assert(change != 2 || mSeq == 1); m = 2 }
  :: atomic { m == 1 -> m = 0; by = 0 }           /* refused as stale, or lost: nothing of it is left */
  :: m == 2 -> m = 3
  :: atomic { m == 3 -> m = 0; by = 0; mSeq = 0 }
  /* revoke */
  :: atomic { revoke == 0 -> revoke = 1; endMsg = 1 }
  :: atomic { endMsg -> endMsg = 0; ended = 1; lk = 0 }
  :: atomic { ended && !ackMsg && UNPINNED -> ackMsg = 1 }
  :: atomic { revoke == 1 && (ackMsg || tk == 0) -> revoke = 2 }
  /* catalog change */
  :: atomic { change == 0 -> change = 1; seqC = 1 }
  :: atomic { seqC == 1 && seqO == 0 -> seqO = 1 }
  :: atomic { seqC == 1 && seqE == 0 && inView -> seqE = 1 }
#ifdef CATALOG_EARLY
  :: atomic { change == 1 && (seqE || seqO) -> change = 2 }
#else
  :: atomic { change == 1 && seqO && (seqE || !inView) -> change = 2 }
#endif
  od
}
