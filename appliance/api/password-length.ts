/** NIST SP 800-63B-4, 3.1.1.2: at least 15 characters where it is the only factor, at least 64 allowed, and no rule on what they are. */
export const shortestPassword = 15;
export const longestPassword = 1024;
